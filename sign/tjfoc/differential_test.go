package tjfoc_test

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"math/big"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
	"github.com/stretchr/testify/require"

	reference "github.com/emmansun/gmsm/sm2"
	library "github.com/tjfoc/gmsm/sm2"
)

// inputs is how many a differential test takes: 10,000, or as many as a slow build
// or -short leaves time for. The seeds are fixed, so a failure comes again.
func inputs() int {
	if testing.Short() || raceEnabled {
		return 200
	}
	return 10000
}

// spread runs f for 0 to n-1 on every core; each input has its own generator.
func spread(t *testing.T, n int, f func(i int, rnd *rand.Rand)) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !t.Failed(); i = int(next.Add(1)) - 1 {
				f(i, rand.New(rand.NewPCG(560, uint64(i))))
			}
		})
	}
	wg.Wait()
}

// pair is one key and id in both engines.
type pair struct {
	signers   [2]func([]byte) ([]byte, error)
	verifiers [2]func(message, signature []byte) bool
}

func newPair(t *testing.T, d *big.Int, id []byte) pair {
	t.Helper()
	var p pair
	public := publicOf(t, d)
	for i, engine := range []sign.Engine{sign.DefaultEngine(), tjfoc.Engine{}} {
		var err error
		if p.signers[i], err = engine.NewSM2Signer(number(d), public, id); err != nil {
			t.Error(err)
		}
		if p.verifiers[i], err = engine.NewSM2Verifier(public, id); err != nil {
			t.Error(err)
		}
	}
	return p
}

func publicOf(t *testing.T, d *big.Int) (b [65]byte) {
	t.Helper()
	bytes := number(d)
	k, err := reference.NewPrivateKey(bytes[:])
	if err != nil {
		t.Error(err)
		return b
	}
	return point(&library.PublicKey{X: k.X, Y: k.Y})
}

// Random keys, ids and messages: what one engine signs the other believes, and both
// say the same of a signature with one bit flipped.
func TestDifferential_RandomInputs(t *testing.T) {
	t.Parallel()
	order := library.P256Sm2().Params().N
	spread(t, inputs(), func(i int, rnd *rand.Rand) {
		message, id := randomBytes(rnd, rnd.IntN(300)), randomBytes(rnd, 1+rnd.IntN(40))
		d := new(big.Int).SetBytes(randomBytes(rnd, 40))
		d.Mod(d, new(big.Int).Sub(order, big.NewInt(2))).Add(d, big.NewInt(1))
		p := newPair(t, d, id)
		ours, theirs := sign.DefaultEngine().NewSM3(), tjfoc.Engine{}.NewSM3()
		cut := rnd.IntN(len(message) + 1)
		for _, part := range [][]byte{message[:cut], message[cut:]} {
			ours.Write(part)
			theirs.Write(part)
		}
		if !bytes.Equal(ours.Sum(id), theirs.Sum(id)) {
			t.Errorf("input %d: SM3 differs", i)
		}
		signature, err := p.signers[i%2](message)
		if err != nil || !p.verifiers[1-i%2](message, signature) {
			t.Errorf("input %d: engine %d signed, the other refuses (%v)", i, i%2, err)
			return
		}
		if i%8 == 0 {
			bit := rnd.IntN(8 * len(signature))
			signature[bit/8] ^= 1 << (bit % 8)
			if a, b := p.verifiers[0](message, signature), p.verifiers[1](message, signature); a || b {
				t.Errorf("input %d: bit %d flipped, accepted: %v %v", i, bit, a, b)
			}
		}
	})
}

func randomBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// edges are numbers where carries, windows and reductions go wrong.
func edges() []*big.Int {
	params := library.P256Sm2().Params()
	list := []*big.Int{}
	add := func(v *big.Int) {
		if v.Sign() > 0 && v.Cmp(new(big.Int).Sub(params.N, big.NewInt(1))) < 0 {
			list = append(list, v)
		}
	}
	for i := range int64(17) {
		add(big.NewInt(i))
		add(new(big.Int).Sub(params.N, big.NewInt(i)))
		add(new(big.Int).Add(new(big.Int).Rsh(params.N, 1), big.NewInt(i-8)))
		add(new(big.Int).Sub(params.P, new(big.Int).Add(params.N, big.NewInt(i))))
	}
	for bit := uint(4); bit < 256; bit += 4 {
		power := new(big.Int).Lsh(big.NewInt(1), bit)
		add(power)
		add(new(big.Int).Sub(power, big.NewInt(1)))
		add(new(big.Int).Sub(params.N, power))
	}
	for _, pattern := range []byte{0x55, 0xaa, 0x0f, 0xf0, 0x80, 0x01} {
		add(new(big.Int).SetBytes(bytes.Repeat([]byte{pattern}, 32)))
		add(new(big.Int).SetBytes(bytes.Repeat([]byte{pattern}, 31)))
	}
	return list
}

// outcome is what both engines say of one signature.
type outcome struct{ ours, theirs bool }

// Keys and nonces of extreme numbers, messages at the edges of blocks; or signatures
// of extreme numbers and the digest they are valid for; and in every third input one
// of the numbers changed. Nothing may be believed by the library that the default
// engine refuses; the other way round is the known difference.
func TestDifferential_StructuredInputs(t *testing.T) {
	t.Parallel()
	numbers := edges()
	var valid, refused atomic.Int64
	spread(t, inputs(), func(i int, rnd *rand.Rand) {
		mutated := i%3 == 0
		try := byNonce
		if i%2 == 0 {
			try = byNumbers
		}
		got, what, ok := try(t, rnd, numbers, mutated)
		if !ok {
			return // some number came out as 0: a signer takes another nonce
		}
		if !mutated {
			valid.Add(1)
		}
		switch {
		case !mutated && !got.ours:
			t.Errorf("input %d: the default engine refuses a valid signature: %s", i, what)
		case got.theirs && !got.ours:
			t.Errorf("input %d: the library believes what the default engine refuses: %s", i, what)
		case got.ours && !got.theirs:
			refused.Add(1)
			t.Logf("input %d: the library refuses a valid signature: %s", i, what)
		}
	})
	t.Logf("%d valid signatures, %d of them refused by the library", valid.Load(), refused.Load())
	require.Greater(t, valid.Load(), int64(inputs()/2))
}

// byNonce signs a message with an extreme key and nonce, and asks the engines.
func byNonce(t *testing.T, rnd *rand.Rand, numbers []*big.Int, mutated bool) (got outcome, what string, ok bool) {
	t.Helper()
	lengths := []int{0, 1, 31, 32, 54, 55, 56, 63, 64, 65, 119, 120, 128, 500}
	d, k := pick(rnd, numbers), pick(rnd, numbers)
	message := bytes.Repeat([]byte{byte(rnd.IntN(4) * 85)}, lengths[rnd.IntN(len(lengths))])
	public := publicOf(t, d)
	r, s, ok := signWith(t, d, k, public, message)
	if !ok {
		return got, "", false
	}
	if mutated {
		r, s = mutate(rnd, r, s, numbers)
	}
	var answers [2]bool
	for j, engine := range []sign.Engine{sign.DefaultEngine(), tjfoc.Engine{}} {
		verify, err := engine.NewSM2Verifier(public, defaultID)
		if err != nil {
			t.Error(err)
			return got, "", false
		}
		answers[j] = verify(message, derOf(t, r, s))
	}
	return outcome{answers[0], answers[1]}, fmt.Sprintf("d=%x k=%x r=%x s=%x", d, k, r, s), true
}

// byNumbers takes an extreme key, r and s, and finds the digest they are valid for:
// e = r - x of (s + (r+s)·d)·G. No message has it, so the libraries are asked
// themselves.
func byNumbers(t *testing.T, rnd *rand.Rand, numbers []*big.Int, mutated bool) (got outcome, what string, ok bool) {
	t.Helper()
	order := library.P256Sm2().Params().N
	d, r, s := pick(rnd, numbers), pick(rnd, numbers), pick(rnd, numbers)
	sum := new(big.Int).Add(r, s)
	nonce := new(big.Int).Mul(sum, d)
	nonce.Add(nonce, s).Mod(nonce, order)
	last := new(big.Int).Sub(order, big.NewInt(1))
	if sum.Mod(sum, order).Sign() == 0 || nonce.Sign() == 0 || nonce.Cmp(last) == 0 {
		return got, "", false
	}
	x := publicOf(t, nonce)
	e := new(big.Int).SetBytes(x[1:33])
	e.Sub(r, e).Mod(e, order)
	digest, public := number(e), publicOf(t, d)
	if mutated {
		r, s = mutate(rnd, r, s, numbers)
	}
	ours, err := reference.NewPublicKey(public[:])
	if err != nil {
		t.Error(err)
		return got, "", false
	}
	theirs := &library.PublicKey{Curve: library.P256Sm2(), X: ours.X, Y: ours.Y}
	got.ours = reference.VerifyASN1(ours, digest[:], derOf(t, r, s))
	got.theirs = library.Verify(theirs, digest[:], r, s)
	return got, fmt.Sprintf("d=%x e=%x r=%x s=%x", d, digest, r, s), true
}

func pick(rnd *rand.Rand, numbers []*big.Int) *big.Int { return numbers[rnd.IntN(len(numbers))] }

func derOf(t *testing.T, r, s *big.Int) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Error(err)
	}
	return der
}

// signWith makes the one signature of a key and nonce. Source: GB/T 32918.2-2016
// section 6.1.
func signWith(t *testing.T, d, k *big.Int, public [65]byte, message []byte) (r, s *big.Int, ok bool) {
	t.Helper()
	order := library.P256Sm2().Params().N
	key, err := reference.NewPublicKey(public[:])
	if err != nil {
		t.Error(err)
		return nil, nil, false
	}
	digest, err := reference.CalculateSM2Hash(key, message, defaultID)
	if err != nil {
		t.Error(err)
		return nil, nil, false
	}
	nonce := publicOf(t, k)
	r = new(big.Int).SetBytes(nonce[1:33])
	r.Add(r, new(big.Int).SetBytes(digest)).Mod(r, order)
	s = new(big.Int).Mul(r, d)
	s.Sub(k, s).Mul(s, new(big.Int).ModInverse(new(big.Int).Add(d, big.NewInt(1)), order)).Mod(s, order)
	sum := new(big.Int).Add(r, k)
	return r, s, r.Sign() != 0 && s.Sign() != 0 && sum.Cmp(order) != 0
}

func mutate(rnd *rand.Rand, r, s *big.Int, numbers []*big.Int) (*big.Int, *big.Int) {
	order, edge := library.P256Sm2().Params().N, pick(rnd, numbers)
	switch rnd.IntN(8) {
	case 0:
		return s, r
	case 1:
		return r, new(big.Int).Sub(order, s)
	case 2:
		return r, new(big.Int).Sub(order, r) // t is 0
	case 3:
		return edge, s
	case 4:
		return r, edge
	case 5:
		return new(big.Int).Add(r, order), s
	case 6:
		return r, new(big.Int).Add(s, order)
	}
	return edge, pick(rnd, numbers)
}
