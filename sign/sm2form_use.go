package sign

import (
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
)

// sm2Use is how an SM2 key is used: engine, id and form.
type sm2Use struct {
	engine Engine
	id     []byte
	form   SM2Form
}

func newSM2Use(engine Engine, id string, emptyID bool, form SM2Form) (u sm2Use, err error) {
	u = sm2Use{engine: engineOr(engine), form: form}
	if u.id, err = sm2ID(id, emptyID); err == nil {
		err = form.check()
	}
	return u, err
}

// verifier prepares a public key and runs one verification, whose outcome does not
// matter, so that a process in which SM2 cannot work learns it at construction.
func (u sm2Use) verifier(point [65]byte) (v sm2Verifier, err error) {
	defer recoverProbe("SM2", &err)
	v.form = u.form
	if v.verify, err = u.engine.NewSM2Verifier(point, u.id); err == nil {
		v.verify([]byte("probe"), []byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	}
	return v, err
}

// signer prepares a private key, and signs and verifies once: FIPS 140-only mode
// panics inside the library's HMAC, and the key's halves must belong together.
// check, if there is one, verifies every signature before it is handed out.
func (u sm2Use) signer(key *sm2.PrivateKey, check Engine) (s *sm2Signer, err error) {
	defer recoverProbe("SM2", &err)
	var d [sm2Size]byte
	defer clear(d[:])
	key.D.FillBytes(d[:])
	point := sm2Numbers(&key.PublicKey)
	s = &sm2Signer{engine: u.engine, form: u.form}
	if s.sign, err = u.engine.NewSM2Signer(d, point, u.id); err != nil {
		return nil, err
	}
	if check != nil {
		s.check, s.checked = check, sm2Verifier{form: u.form}
		if s.checked.verify, err = check.NewSM2Verifier(point, u.id); err != nil {
			return nil, err
		}
	}
	own, err := u.verifier(point)
	if err != nil {
		return nil, err
	}
	probe := []byte("probe")
	signature, err := s.make(probe)
	if err == nil && own.problem(probe, signature) != "" {
		err = errors.New("a signature made with the key does not verify")
	}
	return s, err
}

// sm2Verifier is a prepared public key.
type sm2Verifier struct {
	verify func(message, signature []byte) bool
	form   SM2Form
}

// problem says what is wrong with a signature, or nothing.
func (v sm2Verifier) problem(message, signature []byte) string {
	der, problem := v.form.toDER(signature)
	if problem == "" && !v.verify(message, der) {
		problem = "does not match this text under this key"
	}
	return problem
}

// errEngine is what comes of an engine that made no signature.
func errEngine(e Engine, problem string) error {
	return fmt.Errorf("sign: sm2: %s made no signature: %s", e.Name(), problem)
}
