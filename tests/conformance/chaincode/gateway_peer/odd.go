package main

// Transactions that peers of Fabric call valid, in forms that nobody honest writes: what one member can have ordered alone.

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// An odd transaction, and what it enters.
type odd struct {
	transaction []byte
	tx          string
	batch       []byte
}

type oddForm struct {
	name string
	make func() odd
}

// tagged is a field of a message with BYTES as its content.
func tagged(number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
}

// pieces has each field of MESSAGE in a message of its own, one behind the other: NUMBER several times.
func pieces(number protowire.Number, message []byte) []byte {
	var out []byte
	for len(message) > 0 {
		n := protowire.ConsumeFieldValue(0, protowire.BytesType, message[1:]) + 1
		if protowire.Type(message[0]&7) != protowire.BytesType {
			_, _, n = protowire.ConsumeField(message)
		}
		out, message = append(out, tagged(number, message[:n])...), message[n:]
	}
	return out
}

// deepGroups are unknown groups that nest as deep as Go's library reads them, around a field number that it takes nowhere else.
func deepGroups(depth int) []byte {
	out := bytes.Repeat([]byte{0x83, 0x01}, depth) // field 16 begins
	out = protowire.AppendVarint(out, 0x7fffffff<<3)
	out = append(out, 0x01)
	return append(out, bytes.Repeat([]byte{0x84, 0x01}, depth)...)
}

// remade is the transaction FROM with other bytes for its action, by CHANGE, and signed again.
func remade(from []byte, change func(action *peer.ChaincodeActionPayload) []byte) []byte {
	var envelope common.Envelope
	var whole common.Payload
	var transaction peer.Transaction
	var action peer.ChaincodeActionPayload
	decode(from, &envelope)
	decode(envelope.Payload, &whole)
	decode(whole.Data, &transaction)
	decode(transaction.Actions[0].Payload, &action)
	transaction.Actions[0].Payload = change(&action)
	whole.Data = encoded(&transaction)
	return sent(encoded(&whole))
}

// changed is a transaction whose call or envelope is changed before and after it is endorsed.
func changed(name string, before func(*call), after func([]byte) []byte) oddForm {
	return oddForm{name, func() odd {
		c, tx, batch := vectorCall(name, vectorChannel, vectorChaincode, "register")
		if before != nil {
			before(c)
		}
		transaction := sent(c.honest([]byte{1, 0, 0}))
		if after != nil {
			transaction = after(transaction)
		}
		return odd{transaction, tx, batch}
	}}
}

func withEndorsements(change func(*peer.ChaincodeEndorsedAction)) func([]byte) []byte {
	return func(from []byte) []byte { return reworked(from, change, client) }
}

// shown is a transaction whose endorsers and bringer show their certificates as SHOWN makes them.
func shown(name string, show func(*person) []byte) oddForm {
	return oddForm{name, func() odd {
		identity := func(p *person) []byte { return encoded(&msp.SerializedIdentity{Mspid: p.mspID, IdBytes: show(p)}) }
		c, tx, batch := vectorCallBy(identity(client), name, vectorChannel, vectorChaincode, "register")
		answer := c.answer(&peer.Response{Status: 200, Payload: []byte{1, 0, 0}})
		action := &peer.ChaincodeEndorsedAction{ProposalResponsePayload: answer}
		for _, one := range []*person{peerA, peerB} {
			action.Endorsements = append(action.Endorsements, &peer.Endorsement{Endorser: identity(one),
				Signature: one.sign(append(append([]byte{}, answer...), identity(one)...))})
		}
		return odd{sent(assemble(&c.header, c.header.SignatureHeader, c.open(), action)), tx, batch}
	}}
}

func labelled(p *person, label string, headers map[string]string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Headers: headers, Bytes: p.certificate})
}

var oddForms = []oddForm{
	changed("arguments in pieces", func(c *call) { c.payload.Input = twice(c.payload.Input) }, nil),
	changed("over 64 endorsements", nil, withEndorsements(func(a *peer.ChaincodeEndorsedAction) {
		for range 70 {
			a.Endorsements = append(a.Endorsements, &peer.Endorsement{Endorser: a.Endorsements[0].Endorser[:9], Signature: []byte{1}})
		}
		a.Endorsements = append(a.Endorsements[1:], a.Endorsements[0])
	})),
	changed("endorsements of nobody before the good ones", nil, withEndorsements(func(a *peer.ChaincodeEndorsedAction) {
		junk := &peer.Endorsement{Endorser: []byte{1}, Signature: nil} // three bytes
		spoilt := proto.Clone(a.Endorsements[0]).(*peer.Endorsement)
		spoilt.Signature[10] ^= 1
		a.Endorsements = append([]*peer.Endorsement{junk, spoilt, {Endorser: stranger.identity(), Signature: []byte("none")}}, a.Endorsements...)
	})),
	changed("an action in pieces", nil, func(from []byte) []byte {
		return remade(from, func(a *peer.ChaincodeActionPayload) []byte {
			return append(tagged(1, a.ChaincodeProposalPayload), pieces(2, encoded(a.Action))...)
		})
	}),
	changed("a header in pieces", nil, func(from []byte) []byte {
		var envelope common.Envelope
		var whole common.Payload
		decode(from, &envelope)
		decode(envelope.Payload, &whole)
		return sent(append(append(pieces(1, encoded(whole.Header)), tagged(2, []byte("before"))...), tagged(2, whole.Data)...))
	}),
	changed("groups as deep as Go reads them", nil, func(from []byte) []byte {
		var envelope common.Envelope
		decode(from, &envelope)
		return sent(append(deepGroups(10001), envelope.Payload...))
	}),
	changed("a type that is another number in 64 bits", func(c *call) {
		c.header.ChannelHeader = append(c.header.ChannelHeader, 0x08, 0x83, 0x80, 0x80, 0x80, 0x10)
	}, nil),
	changed("signatures with more in and behind them", nil, func(from []byte) []byte {
		longer := func(signature []byte) []byte {
			out := append([]byte{0x30, signature[1] + 3}, signature[2:]...)
			return append(append(out, 0x02, 0x01, 0x05), "behind"...)
		}
		var envelope common.Envelope
		decode(withEndorsements(func(a *peer.ChaincodeEndorsedAction) {
			for _, one := range a.Endorsements {
				one.Signature = longer(one.Signature)
			}
		})(from), &envelope)
		envelope.Signature = longer(envelope.Signature)
		return encoded(&envelope)
	}),
	shown("another PEM label", func(p *person) []byte { return labelled(p, "X509 NOTHING", nil) }),
	shown("no PEM label", func(p *person) []byte { return labelled(p, "", nil) }),
	shown("PEM with headers", func(p *person) []byte {
		return labelled(p, "CERTIFICATE", map[string]string{"Proc-Type": "4,ENCRYPTED"})
	}),
	shown("PEM behind other things", func(p *person) []byte {
		text := fmt.Sprintf("before\n-----BEGIN NOTHING-----\nAAAA\n-----BEGIN A-----\n=\n-----END A-----\n%s behind", p.pem())
		return bytes.ReplaceAll([]byte(text), []byte("\n"), []byte(" \r\n"))
	}),
	{"brought by another than it was proposed by", func() odd {
		// The id of a transaction is the hash of nonce and creator, one behind the other.
		other := clientB.identity()
		creator := append(client.identity(), tagged(15, other)...)
		c, tx, batch := vectorCallBy(creator, "two creators", vectorChannel, vectorChaincode, "register")
		var header common.SignatureHeader
		decode(c.header.SignatureHeader, &header)
		both := append(header.Nonce, creator...)
		bringer := proto.Clone(&c.header).(*common.Header)
		bringer.SignatureHeader = encoded(&common.SignatureHeader{Nonce: both[:len(both)-len(other)], Creator: other})
		payload := assemble(bringer, c.header.SignatureHeader, c.open(), endorsed(c.answer(&peer.Response{Status: 200, Payload: []byte{1, 0, 0}}), peerA, peerB))
		return odd{encoded(&common.Envelope{Payload: payload, Signature: clientB.sign(payload)}), tx, batch}
	}},
	{"endorsed with certificates that have ended", func() odd {
		c, tx, batch := vectorCall("late", vectorChannel, vectorChaincode, "register")
		return odd{sent(c.by(c.answer(&peer.Response{Status: 200, Payload: []byte{1, 0, 0}}), endedPeer(caA, "peer-a-ended", "OrgA", 2023),
			endedPeer(caB, "peer-b-ended", "OrgB", 2023))), tx, batch}
	}},
}

// noEntries are of other forms than the contract takes, or of other functions.
func noEntries() [][]byte {
	var all [][]byte
	for _, one := range []struct {
		function string
		args     [][]byte
	}{
		{"register", nil}, {"register", [][]byte{hashed([]byte("submitter"))}}, {"register", [][]byte{{1}, vectorSignature, batchHeader("short")}},
		{"register", [][]byte{hashed([]byte("submitter")), {1}, batchHeader("no signature")}},
		{"register", [][]byte{hashed([]byte("submitter")), batchHeader("as before signatures")}},
		{"register", [][]byte{hashed([]byte("submitter")), vectorSignature, []byte("no header")}}, {"move", nil}, {"move", [][]byte{{1}, {2}}},
		{"move", [][]byte{{1}, {2}, {3}}}, {"move", make([][]byte, 3*65)}, {"leave", nil}, {"", nil},
	} {
		c, _, _ := vectorCall(fmt.Sprintf("nothing %s %d", one.function, len(one.args)), vectorChannel, vectorChaincode, one.function)
		var invocation peer.ChaincodeInvocationSpec
		decode(c.payload.Input, &invocation)
		invocation.ChaincodeSpec.Input.Args = append([][]byte{[]byte(one.function)}, one.args...)
		c.payload.Input = encoded(&invocation)
		all = append(all, sent(c.honest([]byte{1, 0, 0})))
	}
	return all
}
