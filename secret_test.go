package bankrail_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

func TestSecretShowsNothing(t *testing.T) {
	t.Parallel()
	const value = "6222021234567890"
	s := bankrail.NewSecret(value)
	// fmt calls no method on a field it may not see, so a struct with a hidden secret
	// is the way by which it would get out.
	type hidden struct{ card bankrail.Secret }
	shown := map[string]any{
		"value": s, "pointer": &s, "field": struct{ Card bankrail.Secret }{s}, "hidden field": hidden{s},
		"pointer to hidden field": &hidden{s}, "slice": []bankrail.Secret{s}, "map": map[string]bankrail.Secret{"card": s},
		"map of hidden": map[string]hidden{"card": {s}}, "array": [1]hidden{{s}}, "any": []any{s, hidden{s}},
	}
	for name, v := range shown {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%T", "%p", "%c", "%20v", "%w", "%!", "%t", "%e"} {
				require.NotContains(t, fmt.Sprintf(verb, v), value, verb)
				require.NotContains(t, fmt.Sprintf(verb, v), fmt.Sprintf("%x", value), verb)
			}
			require.NotContains(t, fmt.Sprint(v), value)
			require.NotContains(t, fmt.Errorf("failed: %v", v).Error(), value)
			b, err := json.Marshal(v)
			require.NoError(t, err)
			require.NotContains(t, string(b), value)
			var out bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				slog.New(h).Info("call", "v", v, slog.Any("any", v), slog.Group("g", "v", v))
			}
			require.NotContains(t, out.String(), value)
		})
	}
	x, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"r"`
		Card    bankrail.Secret
	}{Card: s})
	require.NoError(t, err)
	require.NotContains(t, string(x), value)
	key, err := json.Marshal(map[bankrail.Secret]int{s: 1})
	require.NoError(t, err)
	require.NotContains(t, string(key), value)
	require.Equal(t, "[secret]", s.String())
	require.Equal(t, "[secret]", fmt.Sprintf("%#v", s))
}

func TestSecretGivesItsValueToWhomAsks(t *testing.T) {
	t.Parallel()
	require.Equal(t, "abc", bankrail.NewSecret("abc").Reveal())
	require.False(t, bankrail.NewSecret("abc").IsZero())
	require.True(t, bankrail.NewSecret("").IsZero())
	var zero bankrail.Secret
	require.True(t, zero.IsZero())
	require.Empty(t, zero.Reveal())
	require.Equal(t, "[secret]", zero.String(), "not even that there is none")
}
