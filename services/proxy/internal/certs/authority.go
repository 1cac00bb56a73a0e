// Package certs gives the proxy its TLS certificates: those of the operator, or
// ones that a local authority signs for each name that clients ask for.
//
// The local authority is for machines without certificates. Its key never leaves
// the data directory; clients trust it only where its certificate was installed.
package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Names of the authority's files in the data directory. The first is for clients
// to trust; the second, for this machine's proxies only, holds certificate and key.
const (
	CertificateFile = "ca.pem"
	keyFile         = "ca.key"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 397 * 24 * time.Hour // what browsers accept at most
	backdate      = time.Hour            // for clients whose clocks are slow
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// openAuthority loads the authority of dir, or makes one. Several processes may
// do so at once: the first one's stays.
func openAuthority(dir string, now time.Time) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the local CA: %w", err)
	}
	path := filepath.Join(dir, keyFile)
	a, err := readAuthority(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeAuthority(path, now); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the local CA: %w", err)
		}
		a, err = readAuthority(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the local CA from %s: %w", path, err)
	}
	if now.After(a.cert.NotAfter) {
		return nil, fmt.Errorf("the local CA in %s expired on %s; remove the file and start again to make a new one", path, a.cert.NotAfter.Format(time.DateOnly))
	}
	return a, a.export(filepath.Join(dir, CertificateFile))
}

func readAuthority(path string) (*authority, error) {
	raw, err := os.ReadFile(path) // #nosec G304 -- the data directory is the operator's
	if err != nil {
		return nil, err
	}
	a := &authority{}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			a.cert, err = x509.ParseCertificate(block.Bytes)
		case "EC PRIVATE KEY":
			a.key, err = x509.ParseECPrivateKey(block.Bytes)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.cert == nil || a.key == nil || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return nil, errors.New("the file does not hold a certificate and its key")
	}
	return a, nil
}

// makeAuthority writes a new authority to path; fs.ErrExist when another process
// was faster.
func makeAuthority(path string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // only a help to tell authorities apart
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Sluice local CA " + host, Organization: []string{"Sluice"}},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	content := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})...)
	return createWhole(path, content)
}

// createWhole makes a new file that nobody ever sees in part; fs.ErrExist when
// there is one.
func createWhole(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ca-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}

// export writes the certificate for clients to trust.
func (a *authority) export(path string) error {
	want := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if got, err := os.ReadFile(path); err == nil && bytes.Equal(got, want) { // #nosec G304 -- the data directory is the operator's
		return nil
	}
	if err := replaceWhole(path, want); err != nil {
		return fmt.Errorf("write the local CA's certificate: %w", err)
	}
	return nil
}

// replaceWhole makes path a file for everybody to read that nobody ever sees in
// part. Several proxies may do so at once, also ones with the same process id in
// containers of their own.
func replaceWhole(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".ca-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone once it was renamed
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand never fails on supported systems
	}
	return n.Add(n, big.NewInt(1))
}
