package main

// Two readers of one transaction: what Fabric's peers make of it, by Fabric's own types and by Go's libraries, which peers and the contract
// read with, and what the reader of emrfs makes of it (gateway_reads.c, at the end of a pipe).  Both must say the same of each
// transaction that peers call valid; emrfs hears of all others that they are not, and here it only has to end.
//
// Source: Fabric v3.1.1, core/common/validation/msgvalidation.go, core/committer/txvalidator/v20/plugindispatcher/dispatcher.go,
// common/policies/policy.go, msp/mspimpl.go and msp/identities.go.

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// ---- What Fabric makes of it ----

var fabricCAs = map[string]*person{"OrgA": caA, "OrgB": caB}

// fabricIdentity is DeserializeIdentity of an MSP, with Validate: the certificate, and what tells it from others.
func fabricIdentity(serialized []byte) (*x509.Certificate, string, error) {
	var identity msp.SerializedIdentity
	if err := proto.Unmarshal(serialized, &identity); err != nil {
		return nil, "", err
	}
	ca := fabricCAs[identity.Mspid]
	block, _ := pem.Decode(identity.IdBytes)
	if ca == nil || block == nil {
		return nil, "", errors.New("no MSP, or no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, "", err
	}
	root, err := x509.ParseCertificate(ca.certificate)
	if err != nil {
		return nil, "", err
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		CurrentTime: certificate.NotBefore.Add(time.Second)}); err != nil {
		return nil, "", err
	}
	return certificate, identity.Mspid + string(certificate.RawTBSCertificate), nil
}

func fabricVerify(certificate *x509.Certificate, message, signature []byte) bool {
	key, is := certificate.PublicKey.(*ecdsa.PublicKey)
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &pair); err != nil || !is || pair.R.Sign() != 1 || pair.S.Sign() != 1 {
		return false
	}
	hash := sha256.Sum256(message)
	return pair.S.Cmp(new(big.Int).Rsh(elliptic.P256().Params().N, 1)) <= 0 && ecdsa.Verify(key, hash[:], pair.R, pair.S)
}

func fabricEndorsed(action *peer.ChaincodeEndorsedAction) bool {
	seen, organisations := map[string]bool{}, map[string]bool{}
	for _, one := range action.Endorsements {
		certificate, id, err := fabricIdentity(one.Endorser)
		if err != nil || seen[id] || !fabricVerify(certificate, append(append([]byte{}, action.ProposalResponsePayload...), one.Endorser...), one.Signature) {
			continue
		}
		seen[id] = true
		if strings.Join(certificate.Subject.OrganizationalUnit, "") == "peer" {
			organisations[id[:4]] = true
		}
	}
	return len(organisations) >= 2
}

func short(data []byte) string {
	hash := sha256.Sum256(data)
	return " " + hex.EncodeToString(hash[:8])
}

// fabricReads is whether peers call the transaction valid, and what it enters as gateway_reads says it.
func fabricReads(transaction []byte) (said string, isValid bool) {
	var envelope common.Envelope
	var payload common.Payload
	var channel common.ChannelHeader
	var signature, own common.SignatureHeader
	var inner peer.Transaction
	var action peer.ChaincodeActionPayload
	var answer peer.ProposalResponsePayload
	var done peer.ChaincodeAction
	var extension peer.ChaincodeHeaderExtension
	read := func(from []byte, into proto.Message) bool { return proto.Unmarshal(from, into) == nil }
	if !read(transaction, &envelope) || !read(envelope.Payload, &payload) || payload.Header == nil || !read(payload.Header.ChannelHeader, &channel) ||
		!read(payload.Header.SignatureHeader, &signature) || channel.Epoch != 0 || len(signature.Nonce) == 0 || len(signature.Creator) == 0 {
		return "", false
	}
	creator, _, err := fabricIdentity(signature.Creator)
	if err != nil || !fabricVerify(creator, envelope.Payload, envelope.Signature) || channel.Type != int32(common.HeaderType_ENDORSER_TRANSACTION) ||
		channel.TxId != hex.EncodeToString(hashed(signature.Nonce, signature.Creator)) || channel.ChannelId != vectorChannel {
		return "", false
	}
	if payload.Data == nil || !read(payload.Data, &inner) || len(inner.Actions) != 1 || !read(inner.Actions[0].Header, &own) || len(own.Nonce) == 0 ||
		len(own.Creator) == 0 || !read(inner.Actions[0].Payload, &action) || action.Action == nil || action.ChaincodeProposalPayload == nil ||
		!read(action.Action.ProposalResponsePayload, &answer) ||
		!bytes.Equal(answer.ProposalHash, hashed(payload.Header.ChannelHeader, inner.Actions[0].Header, action.ChaincodeProposalPayload)) {
		return "", false
	}
	if !read(channel.Extension, &extension) || !read(answer.Extension, &done) || extension.ChaincodeId == nil || done.ChaincodeId == nil ||
		extension.ChaincodeId.Name != done.ChaincodeId.Name || done.ChaincodeId.Version == "" || !fabricEndorsed(action.Action) {
		return "", false
	}
	var call peer.ChaincodeProposalPayload
	var invocation peer.ChaincodeInvocationSpec
	if !read(action.ChaincodeProposalPayload, &call) || !read(call.Input, &invocation) {
		return "", false // nobody has endorsed it
	}
	if args := invocation.GetChaincodeSpec().GetInput().GetArgs(); len(args) > 3 && len(args[3]) > 208 && !bytes.Equal(args[3][40:208], make([]byte, 168)) {
		return "", false // a bit of the batch's own header is another, which only the contract can judge
	}
	return "read" + entered(&channel, &invocation, &done), true
}

// entered is what the contract was told in it, and has applied.
func entered(channel *common.ChannelHeader, invocation *peer.ChaincodeInvocationSpec, done *peer.ChaincodeAction) string {
	args, result := invocation.GetChaincodeSpec().GetInput().GetArgs(), done.GetResponse().GetPayload()
	if done.ChaincodeId.Name != vectorChaincode || len(result) == 0 || result[0] != 1 || len(args) < 4 || len(args) > 193 || string(args[0]) != "register" ||
		len(args[1]) != 32 || len(args[2]) != 64 || len(args[3]) < 208 || !bytes.HasPrefix(args[3], []byte("EMTB\x01\x00\x00\x02")) || len(result) != 3 {
		return ""
	}
	return fmt.Sprintf(" %s %d%s%s%s%s%s", channel.TxId, uint64(channel.GetTimestamp().GetSeconds()), short(args[1]), short(args[2]), short(args[3]),
		short(result[1:]), short(nil))
}

// ---- What somebody makes of a transaction ----

type garbler struct{ *rand.Rand }

func (g garbler) one(n int) bool { return g.IntN(n) == 0 }

func (g garbler) bytes(most int) []byte {
	out := make([]byte, g.IntN(most+1))
	for i := range out {
		out[i] = byte(g.Uint32())
	}
	return out
}

// varint is VALUE in more bytes than it needs, at times.
func (g garbler) varint(value uint64) []byte {
	out := protowire.AppendVarint(nil, value)
	for g.one(8) && len(out) < 9 {
		out[len(out)-1] |= 0x80
		out = append(out, 0)
	}
	return out
}

func (g garbler) group(depth int) []byte {
	number := uint64(g.IntN(40) + 1)
	out := g.varint(number<<3 | 3)
	for g.one(2) && depth > 0 {
		out = append(out, g.unknown(depth-1)...)
	}
	return append(out, g.varint(number<<3|4)...)
}

// unknown is a field of a number that no message has, or of a known number and another type.
func (g garbler) unknown(depth int) []byte {
	number := uint64(g.IntN(30) + 12)
	if g.one(8) {
		number = 1<<29 - 1
	}
	switch g.IntN(5) {
	case 0:
		return append(g.varint(number<<3), g.varint(g.Uint64()>>g.IntN(64))...)
	case 1:
		return append(g.varint(number<<3|1), make([]byte, 8)...)
	case 2:
		content := g.bytes(12)
		return append(append(g.varint(number<<3|2), g.varint(uint64(len(content)))...), content...)
	case 3:
		return g.group(depth)
	}
	return append(g.varint(uint64(g.IntN(8)+1)<<3|5), make([]byte, 4)...)
}

// A field as it is written.
type written struct {
	number  protowire.Number
	kind    protowire.Type
	content []byte // of one with a length
	whole   []byte
}

func fieldsOf(message []byte) (all []written) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeField(message)
		if n < 0 {
			return append(all, written{whole: message, kind: protowire.Fixed32Type})
		}
		_, _, tag := protowire.ConsumeTag(message)
		one := written{number: number, kind: kind, whole: message[:n]}
		if kind == protowire.BytesType {
			one.content, _ = protowire.ConsumeBytes(message[tag:])
		}
		all, message = append(all, one), message[n:]
	}
	return all
}

func (g garbler) field(number protowire.Number, content []byte) []byte {
	return append(append(g.varint(uint64(number)<<3|2), g.varint(uint64(len(content)))...), content...)
}

// garbled is MESSAGE written otherwise, mostly so that it stays what it is; MESSAGES are its fields that are messages, and of these theirs.
func (g garbler) garbled(message []byte, messages map[protowire.Number]any) []byte {
	var out []byte
	if g.one(3) {
		return message
	}
	all := fieldsOf(message)
	if g.one(6) {
		g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	for _, one := range all {
		inside, isMessage := messages[one.number]
		for g.one(6) {
			out = append(out, g.unknown(3)...)
		}
		if one.kind != protowire.BytesType {
			if g.one(10) {
				out = append(out, g.varint(uint64(one.number)<<3)...)
				out = append(out, g.varint(g.Uint64())...) // the last one counts
			}
			out = append(out, one.whole...)
			continue
		}
		if !isMessage {
			if g.one(10) {
				out = append(out, g.field(one.number, g.bytes(20))...)
			}
			out = append(out, g.field(one.number, one.content)...)
			continue
		}
		content := one.content
		if more, is := inside.(map[protowire.Number]any); is {
			content = g.garbled(content, more)
		}
		for g.one(4) { // in pieces
			pieces := fieldsOf(content)
			cut := 0
			for _, piece := range pieces[:g.IntN(len(pieces)+1)] {
				cut += len(piece.whole)
			}
			out, content = append(out, g.field(one.number, content[:cut])...), content[cut:]
		}
		out = append(out, g.field(one.number, content)...)
	}
	for g.one(8) {
		out = append(out, g.unknown(3)...)
	}
	if g.one(400) && len(out) > 0 {
		out = bytes.Clone(out)
		out[g.IntN(len(out))] ^= 1 << g.IntN(8)
	}
	return out
}

type fields = map[protowire.Number]any

var leaf = fields{}

// pem is a certificate in some text.
func (g garbler) pem(p *person) []byte {
	labels := []string{"CERTIFICATE", "", "TRUSTED CERTIFICATE", "X", "A:B", "A-----", "END ", "PRIVATE KEY", " CERTIFICATE", "CERTIFICATE "}
	label := labels[0]
	if g.one(3) {
		label = labels[g.IntN(len(labels))]
	}
	certificate := p.certificate
	if g.one(6) {
		certificate = mirrored(certificate)
	}
	block := &pem.Block{Type: label, Bytes: certificate}
	if g.one(4) {
		block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "A": ""}
	}
	text := pem.EncodeToMemory(block)
	if text == nil {
		text = p.pem()
	}
	tokens := []string{"-----BEGIN ", "-----END ", "-----", "\n", "\r\n", " ", "\t", "A: b\n", ":", "=", "-----BEGIN X-----\nAAAA\n-----END X-----\n", "\x00", "\n-----END X-----\n",
		"-----BEGIN X-----\n-----END X-----\n", "-----BEGIN X-----\nA: b\n-----END X-----\n", "-----BEGIN A:-----\n-----END A:-----\n"}
	for g.one(3) {
		token := tokens[g.IntN(len(tokens))]
		switch g.IntN(6) {
		case 0:
			text = append([]byte(token), text...)
		case 1:
			text = append(text, token...)
		case 2, 3: // between lines, mostly
			at := g.IntN(len(text) + 1)
			if line := bytes.IndexByte(text[at:], '\n'); line >= 0 && !g.one(3) {
				at += line + g.IntN(2)
			}
			text = append(append(bytes.Clone(text[:at]), token...), text[at:]...)
		case 4:
			text = bytes.ReplaceAll(text, []byte("\n"), []byte([]string{"\r\n", " \n", "\t\r\n", "\n\n"}[g.IntN(4)]))
		case 5:
			at := g.IntN(len(text))
			text = append(bytes.Clone(text[:at]), text[at+1:]...)
		}
	}
	return text
}

// mirrored is the certificate with the other signature that is as good, which nobody needs a key for.
func mirrored(certificate []byte) []byte {
	var whole struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}
	var signature pair
	if _, err := asn1.Unmarshal(certificate, &whole); err != nil {
		panic(err)
	}
	if _, err := asn1.Unmarshal(whole.Signature.Bytes, &signature); err != nil {
		panic(err)
	}
	signature.S.Sub(order, signature.S)
	der, err := asn1.Marshal(signature)
	if err != nil {
		panic(err)
	}
	whole.Signature = asn1.BitString{Bytes: der, BitLength: 8 * len(der)}
	out, err := asn1.Marshal(whole)
	if err != nil {
		panic(err)
	}
	return out
}

func (g garbler) identity(p *person) []byte {
	return g.garbled(encoded(&msp.SerializedIdentity{Mspid: p.mspID, IdBytes: g.pem(p)}), leaf)
}

func (g garbler) signed(p *person, message []byte) []byte {
	signature := p.sign(message)
	if g.one(5) { // more in the sequence
		more := [][]byte{{0x02, 1, 5}, {0x05, 0}, {0x30, 0}, {0x02, 1, 0xff}}[g.IntN(4)]
		signature = append(append([]byte{0x30, signature[1] + byte(len(more))}, signature[2:]...), more...)
	}
	for g.one(5) {
		signature = append(signature, byte(g.Uint32()))
	}
	if g.one(200) {
		signature[g.IntN(len(signature))] ^= 1 << g.IntN(8)
	}
	return signature
}

func (g garbler) endorsement(answer []byte) []byte {
	who := []*person{peerA, peerB, peerA, peerB, otherPeerA, clientB, stranger}[g.IntN(7)]
	identity := g.identity(who)
	signature := g.signed(who, append(bytes.Clone(answer), identity...))
	if g.one(6) {
		signature = g.bytes(72)
	}
	if g.one(12) {
		return g.bytes(4) // of nobody, or no message at all
	}
	return g.garbled(encoded(&peer.Endorsement{Endorser: identity, Signature: signature}), leaf)
}

// transaction is one that a member could have ordered.
func (g garbler) transaction(number uint64) []byte {
	bringer := []*person{client, clientB}[g.IntN(2)]
	creator := g.identity(bringer)
	c, _, batch := vectorCallBy(creator, strconv.FormatUint(number, 16), vectorChannel, vectorChaincode, "register")
	var channel common.ChannelHeader
	decode(c.header.ChannelHeader, &channel)
	c.header.ChannelHeader = g.garbled(c.header.ChannelHeader, fields{3: leaf})
	c.header.SignatureHeader = g.garbled(c.header.SignatureHeader, leaf)
	bringing := c.header.SignatureHeader
	if g.one(8) { // written otherwise for who brings it
		bringing = g.garbled(bringing, leaf)
	}
	args := [][]byte{[]byte([]string{"register", "move", "leave"}[max(0, g.IntN(12)-9)]), hashed([]byte("submitter")), vectorSignature, batch}
	for g.one(6) {
		args = append(args, g.bytes(300))
	}
	if g.one(12) {
		args = args[:g.IntN(len(args))]
	}
	id := &peer.ChaincodeID{Name: vectorChaincode}
	input := g.garbled(encoded(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: id, Input: &peer.ChaincodeInput{Args: args}}}),
		fields{1: fields{2: leaf, 3: leaf}})
	open := g.garbled(encoded(&peer.ChaincodeProposalPayload{Input: input}), leaf)
	done := g.garbled(encoded(&peer.ChaincodeAction{Results: []byte("rows"), Response: &peer.Response{Status: 200, Payload: []byte{1, 0, byte(g.IntN(2))}},
		ChaincodeId: &peer.ChaincodeID{Name: vectorChaincode, Version: "1"}}), fields{3: leaf, 4: leaf})
	answer := g.garbled(encoded(&peer.ProposalResponsePayload{ProposalHash: hashed(c.header.ChannelHeader, c.header.SignatureHeader, open), Extension: done}), leaf)
	action := g.field(1, answer)
	for g.one(3) {
		action = append(action, g.field(2, g.endorsement(answer))...)
	}
	for _, who := range []*person{peerA, peerB} {
		identity := g.identity(who)
		action = append(action, g.field(2, encoded(&peer.Endorsement{Endorser: identity, Signature: g.signed(who, append(bytes.Clone(answer), identity...))}))...)
	}
	for g.one(3) {
		action = append(action, g.field(2, g.endorsement(answer))...)
	}
	whole := g.garbled(append(g.field(1, open), g.field(2, g.garbled(action, nil))...), fields{2: leaf})
	inner := encoded(&peer.TransactionAction{Header: c.header.SignatureHeader, Payload: whole})
	data := g.garbled(g.field(1, g.garbled(inner, leaf)), nil)
	header := &common.Header{ChannelHeader: c.header.ChannelHeader, SignatureHeader: bringing}
	payload := g.garbled(encoded(&common.Payload{Header: header, Data: data}), fields{1: leaf})
	return g.garbled(encoded(&common.Envelope{Payload: payload, Signature: g.signed(bringer, payload)}), leaf)
}

// ---- Both ----

type reader struct {
	to   io.WriteCloser
	from *bufio.Reader
	run  *exec.Cmd
}

func newReader(program string) (*reader, string, error) {
	dir, err := os.MkdirTemp("", "emr-reads-")
	if err != nil {
		return nil, "", err
	}
	for name, content := range map[string][]byte{"signcerts/c.pem": client.pem(), "keystore/k.pem": client.keyPEM(), "ca-a.pem": caA.pem(), "ca-b.pem": caB.pem()} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			return nil, dir, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, dir, err
		}
	}
	run := exec.Command(program, dir)
	run.Stderr = os.Stderr
	to, err := run.StdinPipe()
	if err != nil {
		return nil, dir, err
	}
	from, err := run.StdoutPipe()
	if err != nil {
		return nil, dir, err
	}
	return &reader{to, bufio.NewReader(from), run}, dir, run.Start()
}

func (r *reader) reads(transaction []byte) (string, error) {
	block := encoded(newBlock(1, make([]byte, 32), []byte{0}, transaction))
	if _, err := r.to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(block))), block...)); err != nil {
		return "", err
	}
	line, err := r.from.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// compareReads ends with an error where the two differ; the transaction stands in the error.
func compareReads(program string, seconds int, seed uint64) error {
	g := garbler{rand.New(rand.NewPCG(seed, 0))}
	theirs, dir, err := newReader(program)
	defer os.RemoveAll(dir)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d\n", seed)
	tried, valid, entries, differ := 0, 0, 0, 0
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); tried++ {
		transaction := g.transaction(uint64(tried))
		want, isValid := fabricReads(transaction)
		said, err := theirs.reads(transaction)
		if err != nil {
			return fmt.Errorf("the reader has ended at %x: %w", transaction, err)
		}
		if !isValid {
			continue
		}
		valid++
		if len(want) > len("read") {
			entries++
		}
		if said != want {
			if differ++; differ <= 3 {
				fmt.Printf("Fabric: %s\nemrfs:  %s\n%x\n", want, said, transaction)
			}
		}
	}
	if err := errors.Join(theirs.to.Close(), theirs.run.Wait()); err != nil {
		return err
	}
	fmt.Printf("%d transactions, of which peers call %d valid, which enter %d batches: %d were read otherwise\n", tried, valid, entries, differ)
	if differ > 0 || valid*10 < tried || entries*2 < valid {
		return errors.New("they differ, or too few were valid")
	}
	return nil
}

// ---- A member of a network ----

// prepared is PAYLOAD, which a gateway has prepared, written as somebody could who has it ordered: the first three as they have stopped readers
// before, all others anyhow.
func (g garbler) prepared(number int, payload []byte) []byte {
	var whole common.Payload
	var transaction peer.Transaction
	var action peer.ChaincodeActionPayload
	decode(payload, &whole)
	decode(whole.Data, &transaction)
	decode(transaction.Actions[0].Payload, &action)
	good := action.Action.Endorsements
	switch number {
	case 0: // 70 more
		for range 70 {
			action.Action.Endorsements = append(action.Action.Endorsements, good[0])
		}
	case 1: // the action in pieces, below
	case 2: // one of three bytes
		action.Action.Endorsements = append([]*peer.Endorsement{{Endorser: []byte{1}}}, good...)
	}
	inner := encoded(&action)
	if number == 1 {
		inner = append(tagged(1, action.ChaincodeProposalPayload), pieces(2, encoded(action.Action))...)
	}
	if number > 2 {
		endorsed := g.field(1, action.Action.ProposalResponsePayload)
		for _, one := range good {
			for g.one(2) {
				spoilt := proto.Clone(good[g.IntN(len(good))]).(*peer.Endorsement)
				spoilt.Signature = append(spoilt.Signature[:g.IntN(len(spoilt.Signature))], g.bytes(8)...)
				junk := [][]byte{g.bytes(4), g.unknown(3), encoded(spoilt), encoded(good[0])}
				endorsed = append(endorsed, g.field(2, junk[g.IntN(len(junk))])...)
			}
			endorsed = append(endorsed, g.field(2, g.garbled(encoded(one), leaf))...)
		}
		inner = g.garbled(append(g.field(1, action.ChaincodeProposalPayload), g.field(2, endorsed)...), fields{2: leaf})
		whole.Header.SignatureHeader = g.garbled(whole.Header.SignatureHeader, leaf)
	}
	outer := encoded(&peer.TransactionAction{Header: transaction.Actions[0].Header, Payload: inner})
	if number <= 2 {
		whole.Data = tagged(1, outer)
		return encoded(&whole)
	}
	whole.Data = g.garbled(g.field(1, g.garbled(outer, leaf)), nil)
	odd := g.garbled(encoded(&whole), fields{1: leaf})
	if odd[0] != 0x0a { // a keyring of emrfs signs nothing else
		odd = append(tagged(1, nil), odd...)
	}
	return odd
}

// garble answers each payload with another one, each behind its length in four bytes.
func garble(seed uint64, from io.Reader, to io.Writer) error {
	g := garbler{rand.New(rand.NewPCG(seed, 0))}
	for number := 0; ; number++ {
		var size uint32
		if err := binary.Read(from, binary.BigEndian, &size); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(from, payload); err != nil {
			return err
		}
		odd := g.prepared(number, payload)
		if _, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(odd))), odd...)); err != nil {
			return err
		}
	}
}
