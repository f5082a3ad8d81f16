package sqlstore_test

import "log/slog"

// quiet hears nothing: what a test provokes is no news.
var quiet = slog.New(slog.DiscardHandler)
