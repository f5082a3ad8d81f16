package sqlstore_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// together calls f n times at once and wants no error.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}
