package main

// Certificates and signatures.  Everything is made from fixed numbers, and signatures are those of RFC 6979, so that the same program
// makes the same bytes.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
)

type person struct {
	key         crypto.Signer
	certificate []byte // DER
	mspID       string
}

var serial int64

func keyOf(name string) *ecdsa.PrivateKey {
	hash := sha256.Sum256([]byte("emrfs gateway " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), hash[:])
	if err != nil {
		panic(err)
	}
	return key
}

// fixed signs without randomness.
type fixed struct{ crypto.Signer }

func (f fixed) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return f.Signer.Sign(nil, digest, opts)
}

func template(name string) *x509.Certificate {
	serial++
	return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, OrganizationalUnit: []string{"client"}},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
}

func newAuthority(name string) *person {
	key := keyOf(name)
	own := template(name)
	own.IsCA, own.KeyUsage = true, x509.KeyUsageCertSign
	return issued(own, own, key, &key.PublicKey, key)
}

// namesakeOf is told from CA by the key alone, as where somebody has made his CA again.
func namesakeOf(ca *person) *person {
	old, err := x509.ParseCertificate(ca.certificate)
	if err != nil {
		panic(err)
	}
	key := keyOf("namesake")
	own := template(old.Subject.CommonName)
	own.Subject, own.SubjectKeyId, own.IsCA, own.KeyUsage = old.Subject, old.SubjectKeyId, true, x509.KeyUsageCertSign
	return issued(own, own, key, &key.PublicKey, key)
}

func issued(own, parent *x509.Certificate, key crypto.Signer, public any, by crypto.Signer) *person {
	der, err := x509.CreateCertificate(nil, own, parent, public, fixed{by})
	if err != nil {
		panic(err)
	}
	return &person{key: key, certificate: der}
}

func (ca *person) issue(own *x509.Certificate, key crypto.Signer, mspID string) *person {
	parent, err := x509.ParseCertificate(ca.certificate)
	if err != nil {
		panic(err)
	}
	made := issued(own, parent, key, key.Public(), ca.key)
	made.mspID = mspID
	return made
}

func (ca *person) member(name, mspID string) *person {
	return ca.issue(template(name), keyOf(name), mspID)
}

// peer is who may endorse: where units say what somebody is, nobody else is believed.
func (ca *person) peer(name, mspID string) *person {
	return ca.issue(peerTemplate(name), keyOf(name), mspID)
}

// orderer is who may sign blocks.
func (ca *person) orderer(name, mspID string) *person {
	own := template(name)
	own.Subject.OrganizationalUnit = []string{"orderer"}
	return ca.issue(own, keyOf(name), mspID)
}

func peerTemplate(name string) *x509.Certificate {
	own := template(name)
	own.Subject.OrganizationalUnit = []string{"peer"}
	return own
}

func (ca *person) ed25519Member(name, mspID string) *person {
	seed := sha256.Sum256([]byte("emrfs gateway " + name))
	return ca.issue(template(name), ed25519.NewKeyFromSeed(seed[:]), mspID)
}

// host is a certificate of TLS for this computer.
func (ca *person) host(name string) *person {
	own := template(name)
	own.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	own.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return ca.issue(own, keyOf(name), "")
}

func (p *person) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate})
}

func (p *person) keyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (p *person) identity() []byte {
	return encoded(&msp.SerializedIdentity{Mspid: p.mspID, IdBytes: p.pem()})
}

func (p *person) sign(message []byte) []byte {
	if key, is := p.key.(ed25519.PrivateKey); is {
		return ed25519.Sign(key, message)
	}
	hash := sha256.Sum256(message)
	der, err := p.key.Sign(nil, hash[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return lowS(der)
}

type pair struct{ R, S *big.Int }

var order = elliptic.P256().Params().N

func lowS(der []byte) []byte {
	var signature pair
	if _, err := asn1.Unmarshal(der, &signature); err != nil {
		panic(err)
	}
	if signature.S.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		signature.S.Sub(order, signature.S)
	}
	out, err := asn1.Marshal(signature)
	if err != nil {
		panic(err)
	}
	return out
}

// verify is what an MSP does with a signature: low-S only, in any form that Go takes, and Ed25519 over the bytes themselves.
func verify(creator, message, signature []byte) error {
	certificate, _ := certificateOf(creator)
	if certificate == nil {
		return errors.New("no certificate")
	}
	key, isEd25519 := certificate.PublicKey.(ed25519.PublicKey)
	if isEd25519 && !ed25519.Verify(key, message, signature) || !isEd25519 && !fabricVerify(certificate, message, signature) {
		return errors.New("the signature is not of that key, or not low-S")
	}
	return nil
}
