package sign_test

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

type fen int64

func (f fen) MarshalText() ([]byte, error) {
	switch {
	case f < 0:
		return nil, errors.New("negative 4711")
	case f == 13:
		panic("unlucky 4711")
	}
	return []byte("0.01"), nil
}

type bill struct {
	Number  string          `sign:"orderNo"`
	Amount  int64           `sign:"amount"`
	Count   uint8           `sign:"count,omitempty"`
	Price   fen             `sign:"price"`
	Paid    bool            `sign:"paid"`
	Memo    string          `sign:"memo,omitempty"`
	Empty   string          `sign:"empty"`
	Number2 json.Number     `sign:"number"`
	Detail  json.RawMessage `sign:"detail"`
	Local   float64         `sign:"-"`
	hidden  string
}

func TestStructReader(t *testing.T) {
	t.Parallel()
	r, err := sign.NewStructReader(bill{})
	require.NoError(t, err)
	v := bill{Number: "O1", Amount: -5, Price: 1, Number2: "1.00", Detail: json.RawMessage(`{"a": 1}`), Local: 1, hidden: "x"}
	want := []sign.Field{{"orderNo", "O1"}, {"amount", "-5"}, {"price", "0.01"}, {"paid", "false"}, {"empty", ""}, {"number", "1.00"}, {"detail", `{"a": 1}`}}
	got, err := r.Append(nil, v)
	require.NoError(t, err)
	require.Equal(t, want, got)
	v.Count, v.Memo = 2, "m"
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := r.Append([]sign.Field{{"kept", ""}}, &v)
			if err != nil || len(got) != 10 || got[3] != (sign.Field{Name: "count", Value: "2"}) {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
	text, err := sign.Text{}.Append(nil, got)
	require.NoError(t, err)
	require.Equal(t, `amount=-5&detail={"a": 1}&number=1.00&orderNo=O1&paid=false&price=0.01`, string(text))
}

func TestStructReader_Refuses(t *testing.T) {
	t.Parallel()
	for name, example := range map[string]any{
		"nothing":         nil,
		"a map":           map[string]string{},
		"a string":        "x",
		"a forgotten tag": struct{ A string }{},
		"an unexported": struct {
			a string `sign:"a"`
		}{},
		"an empty name": struct {
			A string `sign:""`
		}{},
		"an unknown option": struct {
			A string `sign:"a,string"`
		}{},
		"a name twice": struct {
			A string `sign:"a"`
			B string `sign:"a"`
		}{},
		"names that differ in case": struct {
			A string `sign:"a"`
			B string `sign:"A"`
		}{},
		"a float": struct {
			A float64 `sign:"a"`
		}{},
		"a pointer": struct {
			A *string `sign:"a"`
		}{},
		"a pointer to what has a text": struct {
			A *time.Time `sign:"a"`
		}{},
		"bytes": struct {
			A []byte `sign:"a"`
		}{},
		"an interface": struct {
			A any `sign:"a"`
		}{},
		"an embedded struct": struct {
			bill `sign:"a"`
		}{},
	} {
		_, err := sign.NewStructReader(example)
		var form *sign.FormError
		require.ErrorAs(t, err, &form, name)
	}
	_, err := sign.NewStructReader(struct{ A string }{})
	require.ErrorContains(t, err, `no sign tag; write sign:"-"`)
	r, err := sign.NewStructReader(&bill{})
	require.NoError(t, err)
	for _, v := range []any{nil, 1, struct{}{}, (*bill)(nil), bill{Price: -1}, bill{Price: 13}} {
		_, err := r.Append(nil, v)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "4711")
	}
	_, err = (*sign.StructReader)(nil).Append(nil, bill{})
	require.Error(t, err)
	_, err = new(sign.StructReader).Append(nil, bill{})
	require.Error(t, err)
}
