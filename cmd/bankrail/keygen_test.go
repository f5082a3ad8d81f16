package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sign"
)

// invoke runs a command and returns its exit code and what it printed.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestKeygen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args      []string
		algorithm sign.Algorithm
		env       string
	}{
		"SM2 is the default":   {nil, sign.SM2SM3, ""},
		"RSA of 2048 bits":     {[]string{"-type", "rsa"}, sign.RSASHA256, ""},
		"RSA of 3072 bits":     {[]string{"-type", "rsa", "-bits", "3072"}, sign.RSASHA256, ""},
		"marked for a sandbox": {[]string{"-env", "sandbox"}, sign.SM2SM3, "sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			private, public := filepath.Join(dir, "k.pem"), filepath.Join(dir, "k.pub.pem")
			code, out, errs := invoke(t, append([]string{"keygen", "-out", private}, c.args...)...)
			require.Zero(t, code, errs)
			require.Empty(t, errs)

			key, err := sign.PrivateKeyFile(private)
			require.NoError(t, err)
			require.Equal(t, c.algorithm, key.Algorithm())
			require.Equal(t, c.env, key.Environment())
			pub, err := sign.PublicKeyFile(public)
			require.NoError(t, err)
			require.Equal(t, key.Public().String(), pub.String())
			require.Equal(t, pub.String()+"\nprivate key in "+private+", public key in "+public+"\n", out)

			info, err := os.Stat(private)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
			info, err = os.Stat(public)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o644), info.Mode().Perm())
		})
	}
}

func TestKeygenOverwritesNothing(t *testing.T) {
	t.Parallel()
	for _, there := range []string{"k.pem", "k.pub.pem"} {
		t.Run(there, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, there), []byte("mine"), 0o600))
			code, out, errs := invoke(t, "keygen", "-out", filepath.Join(dir, "k.pem"))
			require.Equal(t, 1, code)
			require.Empty(t, out)
			require.Contains(t, errs, there+" is there already")
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, files, 1)
			b, err := os.ReadFile(filepath.Join(dir, there))
			require.NoError(t, err)
			require.Equal(t, "mine", string(b))
		})
	}
}

func TestCreateFileLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "k.pem")
	require.NoError(t, createFile(path, []byte("one"), 0o600))
	require.ErrorContains(t, createFile(path, []byte("two"), 0o600), "never overwritten")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "one", string(b))
	require.Error(t, createFile(filepath.Join(path, "below-a-file"), nil, 0o600))
}

func TestKeygenWrongUsage(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"-type is sm2 or rsa":           {"-type", "dsa"},
		"-bits is 2048, 3072 or 4096":   {"-type", "rsa", "-bits", "1024"},
		"-bits is for RSA":              {"-bits", "2048"},
		"-out names no file":            {"-out", ""},
		"-out and -pub are one file":    {"-out", "k", "-pub", "k"},
		`unexpected argument "k.pem"`:   {"k.pem"},
		"flag provided but not defined": {"-x"},
	} {
		code, out, errs := invoke(t, append([]string{"keygen"}, args...)...)
		require.Equal(t, 2, code, says)
		require.Contains(t, errs, says)
		require.Empty(t, out)
	}
	dir := t.TempDir()
	code, _, errs := invoke(t, "keygen", "-out", filepath.Join(dir, "k.pem"), "-env", "a b")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "environment")
}
