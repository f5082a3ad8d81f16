package sign_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// A vector is one file of testdata/profiles: a message a gateway would sign, its text
// byte for byte, a signature, and a message that must not verify under it.
type vector struct {
	Source    string         `json:"source"`
	Profile   string         `json:"profile"`
	Secret    string         `json:"secret"`
	PublicKey string         `json:"public_key"`
	SM2ID     string         `json:"sm2_id"`
	Algorithm sign.Algorithm `json:"algorithm"` // where the source names none
	Accept    vectorInput    `json:"accept"`
	Text      string         `json:"text"`
	TextHex   string         `json:"text_hex"`
	Signature string         `json:"signature"`
	Reject    vectorInput    `json:"reject"`
	RejectWhy string         `json:"reject_why"`
}

type vectorInput struct {
	Fields                                        [][2]string
	Body                                          string
	Method, Target, Timestamp, Nonce, Auth, Token string
}

func (v vector) input(in vectorInput) sign.Input {
	out := sign.Input{
		Body: []byte(in.Body), Method: in.Method, Target: in.Target, Timestamp: in.Timestamp, Nonce: in.Nonce,
		Auth: in.Auth, Token: in.Token, Secret: []byte(v.Secret),
	}
	for _, f := range in.Fields {
		out.Fields = append(out.Fields, sign.Field{Name: f[0], Value: f[1]})
	}
	return out
}

func (v vector) text(t testing.TB) string {
	if v.TextHex != "" {
		return string(unhex(t, v.TextHex))
	}
	return v.Text
}

// verify checks the vector's signature of in as p says, with the vector's key.
func (v vector) verify(t testing.TB, p sign.Profile, in sign.Input) error {
	t.Helper()
	in.Fields = slices.Clone(in.Fields)
	message, err := p.Append(nil, in)
	if err != nil {
		return err
	}
	signature, err := p.Encoding.Decode(v.Signature)
	if err != nil {
		return err
	}
	if p.Algorithm == "" {
		p.Algorithm = v.Algorithm
	}
	verifier, err := v.verifier(p)
	if err != nil {
		return err
	}
	return verifier.Verify(t.Context(), message, signature, "")
}

func (v vector) verifier(p sign.Profile) (sign.Verifier, error) {
	if v.PublicKey == "" {
		if strings.HasPrefix(string(p.Algorithm), "HMAC-") {
			return sign.NewMAC(sign.MACConfig{Algorithm: p.Algorithm, Secret: []byte(v.Secret)})
		}
		return sign.NewDigest(sign.DigestConfig{Algorithm: p.Algorithm, Secret: []byte(v.Secret)})
	}
	key, err := sign.ParsePublicKey([]byte(v.PublicKey))
	if err != nil {
		return nil, err
	}
	id := p.SM2ID
	if v.SM2ID != "" {
		id = v.SM2ID
	}
	if p.Algorithm != sign.SM2SM3 {
		id = ""
	}
	return sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{
		Key: key, Algorithm: p.Algorithm, SM2Form: p.SM2Form, SM2ID: id, Legacy1024: p.Legacy1024,
	})
}

func loadVector(t testing.TB, name string) vector {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "profiles", name+".json"))
	require.NoError(t, err)
	var v vector
	require.NoError(t, json.Unmarshal(b, &v))
	require.NotEmpty(t, v.Source)
	require.Equal(t, name, v.Profile)
	return v
}

func TestProfiles_AcceptAndReject(t *testing.T) {
	t.Parallel()
	for _, p := range sign.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			v := loadVector(t, p.Name)
			got, err := p.Text([]byte("kept "), v.input(v.Accept))
			require.NoError(t, err)
			require.Equal(t, "kept "+v.text(t), string(got))
			require.NoError(t, v.verify(t, p, v.input(v.Accept)))
			require.Error(t, v.verify(t, p, v.input(v.Reject)), v.RejectWhy)
			if v.Secret != "" {
				in := v.input(v.Accept)
				in.Secret = nil
				noSecret := v
				noSecret.Secret = ""
				require.Error(t, noSecret.verify(t, p, in), "without a secret")
			}
			byName, err := sign.ProfileByName(p.Name)
			require.NoError(t, err)
			require.Equal(t, p, byName)
			require.NotEmpty(t, p.Source)
			require.NotZero(t, p.Use)
			require.NotEmpty(t, p.Carrier)
		})
	}
	files, err := filepath.Glob("testdata/profiles/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(sign.Profiles()), "a vector for every profile and no other")
	_, err = sign.ProfileByName("nobody")
	refusedAs(t, "text", err)
}

// Whoever configures the wrong gateway's rule must get a refusal, not luck: every
// message is verified under every other profile. Where two gateways sign alike, the
// pair is listed, so that a new one is looked at.
func TestProfiles_WrongPairingsFail(t *testing.T) {
	t.Parallel()
	profiles := sign.Profiles()
	for _, own := range profiles {
		t.Run(own.Name, func(t *testing.T) {
			t.Parallel()
			v := loadVector(t, own.Name)
			also := []string{}
			for _, other := range profiles {
				if other.Name != own.Name && v.verify(t, other, v.input(v.Accept)) == nil {
					also = append(also, other.Name)
				}
			}
			require.Equal(t, strings.Fields(coincide[own.Name]), also)
		})
	}
}
