package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
)

// settings is what the operator says in DIR/settings (FORMAT.md).
type settings struct {
	dir, channel, chaincode, msp, genesis, socket string
	certificate, key                              string // files
	peers                                         []peerAt
}

type peerAt struct {
	msp, address string
	roots        *x509.CertPool
}

func readSettings(dir string) (*settings, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := isOwn(dir); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(dir, "settings"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s := &settings{dir: dir, socket: filepath.Join(dir, "run")}
	within := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	words := map[string]*string{"channel": &s.channel, "chaincode": &s.chaincode, "msp": &s.msp, "genesis": &s.genesis,
		"socket": &s.socket, "certificate": &s.certificate, "key": &s.key}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch into := words[name]; {
		case name == "" && !ok:
			continue
		case value == "":
			err = errors.New("it is no name = value")
		case name == "peer":
			err = s.addPeer(strings.Fields(value), within)
		case into == nil:
			err = errors.New("there is no such setting")
		case name == "socket" || name == "certificate" || name == "key":
			*into = within(value)
		default:
			*into = value
		}
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file.Name(), n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	for name, value := range words {
		if *value == "" {
			return nil, fmt.Errorf("%s: %s is missing", file.Name(), name)
		}
	}
	if sum, err := hex.DecodeString(s.genesis); err != nil || len(sum) != 32 {
		return nil, fmt.Errorf("%s: genesis is no SHA-256 in hex", file.Name())
	}
	if len(s.peers) == 0 {
		return nil, fmt.Errorf("%s: it names no peer", file.Name())
	}
	return s, nil
}

func (s *settings) addPeer(words []string, within func(string) string) error {
	if len(words) != 3 {
		return errors.New("a peer is MSP ADDRESS TLS-ROOT-FILE")
	}
	if _, _, err := net.SplitHostPort(words[1]); err != nil {
		return err
	}
	pem, err := os.ReadFile(within(words[2]))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s has no certificate", words[2])
	}
	s.peers = append(s.peers, peerAt{words[0], words[1], roots})
	return nil
}

// isOwn fails where the mode of NAME lets others in.
func isOwn(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s lets others in (mode %04o)", name, info.Mode().Perm())
	}
	return nil
}

// signer is the X.509 identity of the host.
type signer struct {
	identity    *identity.X509Identity
	certificate *x509.Certificate
	hash        hash.Hash
	sign        identity.Sign
}

func (s *settings) readSigner() (*signer, error) {
	if err := isOwn(s.key); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(s.certificate, s.key) // the two belong together, or it fails
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.certificate, err)
	}
	who := &signer{hash: hash.SHA256}
	if who.certificate, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
		return nil, err
	}
	if who.certificate.PublicKeyAlgorithm == x509.Ed25519 {
		who.hash = hash.NONE
	}
	if who.identity, err = identity.NewX509Identity(s.msp, who.certificate); err != nil {
		return nil, err
	}
	who.sign, err = identity.NewPrivateKeySign(pair.PrivateKey)
	return who, err
}
