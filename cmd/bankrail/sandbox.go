package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
)

// sandboxFlags are the command line of "bankrail sandbox".
type sandboxFlags struct {
	listen, admin string
	seed          uint64
	algorithm     string
	merchant      string
	ledger        string
	faults        string
	keys          string
	allowRemote   bool
	verbose       bool
}

func readSandboxFlags(args []string, stderr io.Writer) (sandboxFlags, error) {
	var f sandboxFlags
	fs := flag.NewFlagSet("bankrail sandbox", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8601", "`address` of the bank")
	fs.StringVar(&f.admin, "admin", "127.0.0.1:8602", "`address` of the management side, which gives out keys and obeys everyone")
	fs.Uint64Var(&f.seed, "seed", 1, "of everything random but the keys")
	fs.StringVar(&f.algorithm, "sign", string(sign.SM2SM3), "SM2-SM3 or RSA-SHA256; with -ledger that of the file")
	fs.StringVar(&f.merchant, "merchant", "M1001", "merchant's `id`")
	fs.StringVar(&f.ledger, "ledger", "", "`file` that keeps the state, keys included; none: in memory")
	fs.StringVar(&f.faults, "faults", "hostile", "hostile or calm")
	fs.StringVar(&f.keys, "keys", "", "`directory` to write merchant.pem and bank.pub.pem to")
	fs.BoolVar(&f.allowRemote, "allow-remote", false, "allow addresses that other machines can reach")
	fs.BoolVar(&f.verbose, "v", false, "log every fault")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return f, err
		}
		return f, errUsage
	}
	given := map[string]bool{}
	fs.Visit(func(x *flag.Flag) { given[x.Name] = true })
	if f.ledger != "" && !given["sign"] {
		f.algorithm = "" // that of the file, or the default
	}
	problem := ""
	switch {
	case fs.NArg() > 0:
		problem = fmt.Sprintf("unexpected argument %q", fs.Arg(0))
	case f.faults != "hostile" && f.faults != "calm":
		problem = "-faults is hostile or calm"
	case f.algorithm != "" && f.algorithm != string(sign.SM2SM3) && f.algorithm != string(sign.RSASHA256):
		problem = "-sign is SM2-SM3 or RSA-SHA256"
	case !f.allowRemote && !loopback(f.listen):
		problem = "-listen " + f.listen + " can be reached from other machines; give -allow-remote if that is wanted"
	case !f.allowRemote && !loopback(f.admin):
		problem = "-admin " + f.admin + " can be reached from other machines; give -allow-remote if that is wanted"
	}
	if problem != "" {
		_, _ = fmt.Fprintln(stderr, "bankrail sandbox:", problem)
		return f, errUsage
	}
	return f, nil
}

// loopback says whether only this machine can reach an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sandboxCommand runs the bank until ctx ends.
func sandboxCommand(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	f, err := readSandboxFlags(args, stderr)
	if err != nil {
		return err
	}
	bank, err := openSandbox(f, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bank.Close()) }()
	if f.keys != "" {
		if err := writeKeys(f.keys, bank.Keys()); err != nil {
			return err
		}
	}
	front, err := net.Listen("tcp", f.listen)
	if err != nil {
		return err
	}
	back, err := net.Listen("tcp", f.admin)
	if err != nil {
		return errors.Join(err, front.Close())
	}
	introduce(stdout, f, bank.Keys(), front.Addr().String(), back.Addr().String())
	return serve(ctx, bank, front, back)
}

func openSandbox(f sandboxFlags, stderr io.Writer) (*sandbox.Bank, error) {
	opts := sandbox.Options{
		Seed: f.seed, Merchant: f.merchant, Algorithm: sign.Algorithm(f.algorithm), LedgerFile: f.ledger,
	}
	if f.faults == "calm" {
		opts.Faults = sandbox.Calm
	}
	if f.verbose {
		opts.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return sandbox.New(opts)
}

// writeKeys writes what a merchant needs; the private key for its owner only.
func writeKeys(dir string, k sandbox.Keys) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "merchant.pem"), k.MerchantPrivatePEM, 0o600); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "bank.pub.pem"), k.BankPublicPEM, 0o644)
}

// writeFile replaces a file as a whole, so that its mode is the one asked for and
// no reader meets half of it.
func writeFile(path, content string, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(content)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func introduce(w io.Writer, f sandboxFlags, k sandbox.Keys, front, back string) {
	ledger := f.ledger
	if ledger == "" {
		ledger = "in memory"
	}
	_, _ = fmt.Fprintf(w, `bank         http://%[1]s/bank/v1   (%[3]s, seed %[4]d)
management   http://%[2]s
ledger       %[5]s
merchant     %[6]s
sign type    %[7]s
bank key     %[8]s
merchant key %[9]s
`, front, back, f.faults, f.seed, ledger, k.Merchant, k.Algorithm, k.BankKeyID, k.MerchantKeyID)
	if f.keys != "" {
		_, _ = fmt.Fprintf(w, "keys in      %s, %s\n", filepath.Join(f.keys, "merchant.pem"), filepath.Join(f.keys, "bank.pub.pem"))
	}
	_, _ = fmt.Fprintf(w, `
add a trade of 99.00 yuan, then see what really happened:
  curl -d '{"tradeNo":"T1","paidAmount":9900}' http://%[1]s/trades
  curl http://%[1]s/ledger
`, back)
}

// serve runs both servers until ctx ends or one fails. Held answers do not keep it:
// it closes the bank's connections, as a bank that goes down would.
func serve(ctx context.Context, bank *sandbox.Bank, front, back net.Listener) error {
	servers := []*http.Server{
		{Handler: bank, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second},
		{Handler: bank.Admin(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second},
	}
	failed := make(chan error, len(servers))
	for i, l := range []net.Listener{front, back} {
		go func() { failed <- servers[i].Serve(l) }()
	}
	var err error
	running := len(servers)
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
	}
	for _, s := range servers {
		err = errors.Join(err, s.Close())
	}
	for range running {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
