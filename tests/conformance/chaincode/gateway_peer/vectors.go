package main

// Known answers: a proposal by fixed nonce and time, what an honest gateway makes of it, and every lie.

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	vectorChannel   = "emrfs"
	vectorChaincode = "emrfs"
	vectorSeconds   = 1700000000
	vectorNanos     = 123456789
)

func vectorProposal(creator []byte) (proposal []byte, tx string) {
	nonce := hashed([]byte("nonce"))[:24]
	tx = hex.EncodeToString(hashed(nonce, creator))
	id := &peer.ChaincodeID{Name: vectorChaincode}
	header := &common.Header{
		ChannelHeader: encoded(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), ChannelId: vectorChannel, TxId: tx,
			Timestamp: timestamppb.New(time.Unix(vectorSeconds, vectorNanos)), Extension: encoded(&peer.ChaincodeHeaderExtension{ChaincodeId: id})}),
		SignatureHeader: encoded(&common.SignatureHeader{Creator: creator, Nonce: nonce}),
	}
	input := encoded(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: id,
		Input: &peer.ChaincodeInput{Args: [][]byte{[]byte("register"), {}, []byte("batch\x00\xff")}}}})
	return encoded(&peer.Proposal{Header: encoded(header), Payload: encoded(&peer.ChaincodeProposalPayload{Input: input,
		TransientMap: map[string][]byte{"parts": []byte("sealed")}})}), tx
}

func writeVectors(to io.Writer) error {
	proposal, tx := vectorProposal(client.identity())
	made, err := readCall(proposal)
	if err != nil {
		return err
	}
	type told struct {
		Name    string `json:"name"`
		Payload string `json:"payload"`
	}
	payloads := []told{}
	for _, one := range lies {
		payloads = append(payloads, told{one.name, hex.EncodeToString(one.tell(made, []byte("done")))})
	}
	details, err := anypb.New(&gateway.ErrorDetail{Address: "127.0.0.1:7051", MspId: "OrgA", Message: "chaincode response 400, refused 23: not authorised\n"})
	if err != nil {
		return err
	}
	other, err := anypb.New(&common.Envelope{Payload: []byte("of another kind")})
	if err != nil {
		return err
	}
	failed := &status.Status{Code: 10, Message: "see details", Details: []*anypb.Any{other, details, details}}
	commit := encoded(&gateway.CommitStatusRequest{TransactionId: tx, ChannelId: vectorChannel, Identity: client.identity()})
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", " ")
	return encoder.Encode(map[string]any{
		"channel": vectorChannel, "chaincode": vectorChaincode, "seconds": vectorSeconds, "nanos": vectorNanos,
		"nonce": hex.EncodeToString(hashed([]byte("nonce"))[:24]), "args": []string{"7265676973746572", "", "626174636800ff"},
		"transient":   map[string]string{"parts": hex.EncodeToString([]byte("sealed"))},
		"certificate": string(client.pem()), "key": string(client.keyPEM()), "ed25519_certificate": string(clientEd.pem()),
		"ed25519_key": string(clientEd.keyPEM()), "msp_id": client.mspID, "authorities": []string{"OrgA", string(caA.pem()), "OrgB", string(caB.pem())},
		"stranger_certificate": string(stranger.pem()), "creator": hex.EncodeToString(client.identity()), "tx_id": tx, "proposal": hex.EncodeToString(proposal),
		"prepared": hex.EncodeToString(made.honest([]byte("done"))), "result": hex.EncodeToString([]byte("done")), "lies": payloads,
		"blocks": vectorBlocks(), "status_details": hex.EncodeToString(encodedStatus(failed)), "commit_request": hex.EncodeToString(commit),
	})
}

func encodedStatus(failed *status.Status) []byte {
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(failed)
	if err != nil {
		panic(err)
	}
	return out
}

type vectorEntry struct {
	TX      int    `json:"tx"`
	ID      string `json:"tx_id"`
	Results string `json:"results"`
	Batch   string `json:"batch"`
}

type vectorBlock struct {
	Name    string        `json:"name"`
	Bytes   string        `json:"bytes"`
	Hash    string        `json:"hash"` // "" where it must be refused
	Entries []vectorEntry `json:"entries"`
}

// batchHeader is that of a batch of two items, in the 208 bytes that its place in a transaction needs.
func batchHeader(name string) []byte {
	header := make([]byte, 208)
	copy(header, "EMTB\x01\x00\x00\x02")
	copy(header[8:], hashed([]byte(name)))
	return header
}

// vectorSignature stands for the submitter's, which who follows the entries verifies.
var vectorSignature = bytes.Repeat([]byte{7}, 64)

func vectorCall(name, channel, chaincode, function string) (c *call, tx string, batch []byte) {
	return vectorCallBy(client.identity(), name, channel, chaincode, function)
}

func vectorCallBy(creator []byte, name, channel, chaincode, function string) (c *call, tx string, batch []byte) {
	nonce := hashed([]byte(name))[:24]
	tx = hex.EncodeToString(hashed(nonce, creator))
	id := &peer.ChaincodeID{Name: chaincode}
	batch = append(batchHeader(name), "items"...)
	c = &call{chaincode: chaincode}
	c.header.ChannelHeader = encoded(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), ChannelId: channel, TxId: tx,
		Timestamp: timestamppb.New(time.Unix(vectorSeconds, 0)), Extension: encoded(&peer.ChaincodeHeaderExtension{ChaincodeId: id})})
	c.header.SignatureHeader = encoded(&common.SignatureHeader{Creator: creator, Nonce: nonce})
	c.payload.Input = encoded(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: id,
		Input: &peer.ChaincodeInput{Args: [][]byte{[]byte(function), hashed([]byte("submitter")), vectorSignature, batch}}}})
	return c, tx, batch
}

func sent(payload []byte) []byte {
	return encoded(&common.Envelope{Payload: payload, Signature: client.sign(payload)})
}

func vectorTransaction(name, chaincode, function string, answer []byte) (envelope []byte, tx string, batch []byte) {
	c, tx, batch := vectorCall(name, vectorChannel, chaincode, function)
	return sent(c.honest(answer)), tx, batch
}

// endedPeer is an endorser whose certificate ended in YEAR; the transactions are of November 2023.
func endedPeer(ca *person, name, mspID string, year int) *person {
	own := peerTemplate(name)
	own.NotAfter = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	return ca.issue(own, keyOf(name), mspID)
}

// twice has the message that the function's arguments are in written in two pieces, which a peer makes one of.
func twice(input []byte) []byte {
	var invocation peer.ChaincodeInvocationSpec
	decode(input, &invocation)
	half := encoded(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: invocation.ChaincodeSpec.ChaincodeId}})
	invocation.ChaincodeSpec.ChaincodeId = nil
	return append(half, encoded(&invocation)...)
}

func headerHash(header *common.BlockHeader) []byte { return hashed(headerBytes(header)) }

// headerBytes are what is hashed of a header, and signed.
func headerBytes(header *common.BlockHeader) []byte {
	der, err := asn1.Marshal(struct {
		Number             *big.Int
		Previous, DataHash []byte
	}{new(big.Int).SetUint64(header.Number), header.PreviousHash, header.DataHash})
	if err != nil {
		panic(err)
	}
	return der
}

func newBlock(number uint64, previous []byte, filter []byte, transactions ...[]byte) *common.Block {
	return &common.Block{Header: &common.BlockHeader{Number: number, PreviousHash: previous, DataHash: hashed(transactions...)},
		Data:     &common.BlockData{Data: transactions},
		Metadata: &common.BlockMetadata{Metadata: [][]byte{[]byte("signatures"), {}, filter, {}, []byte("commit hash")}}}
}

// reworked is what somebody makes of a transaction who has SIGNER's key.
func reworked(from []byte, change func(*peer.ChaincodeEndorsedAction), signer *person) []byte {
	var envelope common.Envelope
	decode(from, &envelope)
	if change != nil {
		envelope.Payload = changedAction(envelope.Payload, change)
	}
	envelope.Signature = signer.sign(envelope.Payload)
	return encoded(&envelope)
}

// vectorBlocks are read one after the other; one without a hash must be refused and leaves the reader where he was.
func vectorBlocks() []vectorBlock {
	var blocks []vectorBlock
	add := func(name string, b *common.Block, isGood bool, entries ...vectorEntry) []byte {
		hash := ""
		if isGood {
			hash = hex.EncodeToString(headerHash(b.Header))
		}
		blocks = append(blocks, vectorBlock{name, hex.EncodeToString(encoded(b)), hash, entries})
		return headerHash(b.Header)
	}
	configuration := encoded(&common.Envelope{Payload: encoded(&common.Payload{Header: &common.Header{
		ChannelHeader: encoded(&common.ChannelHeader{Type: int32(common.HeaderType_CONFIG), ChannelId: vectorChannel})}, Data: []byte{0xff}})})
	applied, tx, batch := vectorTransaction("applied", vectorChaincode, "register", []byte{1, 0, 24})
	second, tx2, batch2 := vectorTransaction("second", vectorChaincode, "register", []byte{1, 0, 0})
	known, _, _ := vectorTransaction("known", vectorChaincode, "register", []byte{2, 0, 0})
	invalid, _, _ := vectorTransaction("invalid", vectorChaincode, "register", []byte{1, 0, 0})
	other, _, _ := vectorTransaction("other", "other", "register", []byte{1, 0, 0})
	function, _, _ := vectorTransaction("function", vectorChaincode, "judge", []byte{1, 0, 0})
	zero := add("configuration", newBlock(0, nil, []byte{0}, configuration), true)
	add("a block of another number", newBlock(2, zero, []byte{0}, applied), false)
	add("a block that follows another", newBlock(1, hashed([]byte("other")), []byte{0}, applied), false)
	add("a beginning in the middle", newBlock(1, nil, []byte{0}, applied), false)
	changed := newBlock(1, zero, []byte{0}, applied)
	changed.Data.Data[0] = second
	add("other transactions", changed, false)
	more := newBlock(1, zero, []byte{0, 0}, applied)
	more.Data.Data = append(more.Data.Data, second)
	add("one transaction more", more, false)
	add("no word on what is valid", newBlock(1, zero, nil, applied), false)
	add("a word too few on what is valid", newBlock(1, zero, []byte{0}, applied, second), false)
	add("a valid transaction that cannot be read", newBlock(1, zero, []byte{0}, encoded(&common.Envelope{Payload: encoded(&common.Payload{
		Header: &common.Header{ChannelHeader: encoded(&common.ChannelHeader{Type: 3})}, Data: []byte{0xff}})})), false)
	add("an entry that its creator did not sign", newBlock(1, zero, []byte{0}, reworked(applied, nil, peerA)), false)
	add("an entry that one organisation has endorsed", newBlock(1, zero, []byte{0}, reworked(applied, func(a *peer.ChaincodeEndorsedAction) {
		a.Endorsements = a.Endorsements[:1]
	}, client)), false)
	add("an entry with an endorsement of something else", newBlock(1, zero, []byte{0}, reworked(applied, func(a *peer.ChaincodeEndorsedAction) {
		a.Endorsements[1].Signature = a.Endorsements[0].Signature
	}, client)), false)
	one := add("all kinds", newBlock(1, zero, []byte{0, 11, 0, 0, 0, 0}, applied, invalid, known, other, function, second), true,
		vectorEntry{0, tx, "0018", hex.EncodeToString(batch)},
		vectorEntry{5, tx2, "0000", hex.EncodeToString(batch2)})
	var answers common.Envelope
	var whole common.Payload
	decode(applied, &answers)
	decode(answers.Payload, &whole)
	add("an entry with the endorsements of another one", newBlock(2, one, []byte{0}, reworked(invalid, func(a *peer.ChaincodeEndorsedAction) {
		*a = *readAction(whole.Data)
	}, client)), false)
	foreign, _, _ := vectorCall("foreign", "other", vectorChaincode, "register")
	add("an entry of another channel", newBlock(2, one, []byte{0}, sent(foreign.honest([]byte{1, 0, 0}))), false)
	number := uint64(2)
	for _, form := range oddForms {
		made := form.make()
		entry := vectorEntry{0, made.tx, "0000", hex.EncodeToString(made.batch)}
		one = add(form.name, newBlock(number, one, []byte{0}, made.transaction), true, entry)
		number++
	}
	nothing := noEntries()
	one = add("valid transactions that enter nothing", newBlock(number, one, make([]byte, len(nothing)), nothing...), true)
	for n := number + 1; n < 130; n++ { // across the numbers that take another byte
		one = add("empty", newBlock(n, one, []byte{}), true)
	}
	return blocks
}
