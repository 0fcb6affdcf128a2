package main

// This is how the gateway of a peer answers a proposal (Fabric v3.1.5, internal/pkg/gateway/submit.go, core/endorser), and the ways in
// which it can lie about it.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func encoded(message proto.Message) []byte {
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		panic(err) // a message that we made ourselves
	}
	return out
}

func decode(from []byte, into proto.Message) {
	if err := proto.Unmarshal(from, into); err != nil {
		panic(err) // bytes that we made ourselves
	}
}

func hashed(pieces ...[]byte) []byte {
	hash := sha256.Sum256(bytes.Join(pieces, nil))
	return hash[:]
}

// A call is a proposal in pieces.
type call struct {
	header    common.Header
	channel   common.ChannelHeader
	signature common.SignatureHeader
	payload   peer.ChaincodeProposalPayload
	chaincode string
	args      [][]byte
}

func readCall(proposalBytes []byte) (*call, error) {
	var proposal peer.Proposal
	var extension peer.ChaincodeHeaderExtension
	var invocation peer.ChaincodeInvocationSpec
	c := &call{}
	err := errors.Join(proto.Unmarshal(proposalBytes, &proposal), proto.Unmarshal(proposal.Header, &c.header),
		proto.Unmarshal(c.header.ChannelHeader, &c.channel), proto.Unmarshal(c.header.SignatureHeader, &c.signature),
		proto.Unmarshal(proposal.Payload, &c.payload), proto.Unmarshal(c.channel.Extension, &extension), proto.Unmarshal(c.payload.Input, &invocation))
	if err != nil {
		return nil, err
	}
	c.chaincode = invocation.GetChaincodeSpec().GetChaincodeId().GetName()
	c.args = invocation.GetChaincodeSpec().GetInput().GetArgs()
	txID := hex.EncodeToString(hashed(c.signature.Nonce, c.signature.Creator))
	switch {
	case c.channel.Type != int32(common.HeaderType_ENDORSER_TRANSACTION):
		return nil, errors.New("another kind of header")
	case c.channel.TxId != txID:
		return nil, fmt.Errorf("the transaction id is %s, not %s", txID, c.channel.TxId)
	case extension.GetChaincodeId().GetName() != c.chaincode:
		return nil, errors.New("two names of chaincode")
	case len(c.args) == 0:
		return nil, errors.New("no function")
	}
	return c, nil
}

// open is the payload as it goes into a block.
func (c *call) open() []byte { return encoded(&peer.ChaincodeProposalPayload{Input: c.payload.Input}) }

func (c *call) answer(response *peer.Response) []byte {
	return encoded(&peer.ProposalResponsePayload{ProposalHash: hashed(c.header.ChannelHeader, c.header.SignatureHeader, c.open()),
		Extension: encoded(&peer.ChaincodeAction{Results: []byte("rows"), Response: response, ChaincodeId: &peer.ChaincodeID{Name: c.chaincode, Version: "1"}})})
}

func endorsed(answer []byte, endorsers ...*person) *peer.ChaincodeEndorsedAction {
	action := &peer.ChaincodeEndorsedAction{ProposalResponsePayload: answer}
	for _, one := range endorsers {
		action.Endorsements = append(action.Endorsements,
			&peer.Endorsement{Endorser: one.identity(), Signature: one.sign(append(append([]byte{}, answer...), one.identity()...))})
	}
	return action
}

func assemble(header *common.Header, actionHeader, payload []byte, action *peer.ChaincodeEndorsedAction) []byte {
	return encoded(&common.Payload{Header: header, Data: encoded(&peer.Transaction{Actions: []*peer.TransactionAction{{
		Header: actionHeader, Payload: encoded(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: payload, Action: action})}}})})
}

func (c *call) honest(result []byte) []byte {
	return assemble(&c.header, c.header.SignatureHeader, c.open(), endorsed(c.answer(&peer.Response{Status: 200, Payload: result}), peerA, peerB))
}

// A lie changes one thing.  Everything else fits, so far as somebody without the client's key can make it fit.
type lie struct {
	name string
	tell func(c *call, result []byte) []byte
}

// alike is the same call without private parts, to be changed.
func (c *call) alike() *call {
	other := &call{chaincode: c.chaincode}
	other.header.ChannelHeader, other.header.SignatureHeader = c.header.ChannelHeader, c.header.SignatureHeader
	other.payload.Input = c.payload.Input
	return other
}

func (c *call) withChannel(change func(*common.ChannelHeader)) []byte {
	other := proto.Clone(&c.channel).(*common.ChannelHeader)
	change(other)
	copied := c.alike()
	copied.header.ChannelHeader = encoded(other)
	return copied.honest([]byte("done"))
}

func (c *call) withSignature(change func(*common.SignatureHeader)) []byte {
	other := proto.Clone(&c.signature).(*common.SignatureHeader)
	change(other)
	copied := c.alike()
	copied.header.SignatureHeader = encoded(other)
	return copied.honest([]byte("done"))
}

func (c *call) withArgs(change func(*peer.ChaincodeSpec)) []byte {
	var invocation peer.ChaincodeInvocationSpec
	decode(c.payload.Input, &invocation)
	change(invocation.ChaincodeSpec)
	copied := c.alike()
	copied.payload.Input = encoded(&invocation)
	return copied.honest([]byte("done"))
}

func (c *call) by(answer []byte, endorsers ...*person) []byte {
	return assemble(&c.header, c.header.SignatureHeader, c.open(), endorsed(answer, endorsers...))
}

func varied(payload []byte, change func(*common.Payload, *peer.Transaction)) []byte {
	var whole common.Payload
	var transaction peer.Transaction
	decode(payload, &whole)
	decode(whole.Data, &transaction)
	change(&whole, &transaction)
	whole.Data = encoded(&transaction)
	return encoded(&whole)
}

func changedEndorsement(payload []byte, change func(*peer.ChaincodeEndorsedAction)) []byte {
	return varied(payload, func(_ *common.Payload, t *peer.Transaction) {
		var action peer.ChaincodeActionPayload
		decode(t.Actions[0].Payload, &action)
		change(action.Action)
		t.Actions[0].Payload = encoded(&action)
	})
}

var lies = []lie{
	{"channel", func(c *call, _ []byte) []byte {
		return c.withChannel(func(h *common.ChannelHeader) { h.ChannelId = "elsewhere" })
	}},
	{"time", func(c *call, _ []byte) []byte {
		return c.withChannel(func(h *common.ChannelHeader) { h.Timestamp = timestamppb.New(h.Timestamp.AsTime().AddDate(0, 0, 1)) })
	}},
	{"transaction-id", func(c *call, _ []byte) []byte {
		return c.withChannel(func(h *common.ChannelHeader) { h.TxId = hex.EncodeToString(hashed([]byte("other"))) })
	}},
	{"header-chaincode", func(c *call, _ []byte) []byte {
		return c.withChannel(func(h *common.ChannelHeader) {
			h.Extension = encoded(&peer.ChaincodeHeaderExtension{ChaincodeId: &peer.ChaincodeID{Name: "other"}})
		})
	}},
	{"configuration", func(c *call, _ []byte) []byte {
		return c.withChannel(func(h *common.ChannelHeader) { h.Type = int32(common.HeaderType_CONFIG_UPDATE) })
	}},
	{"nonce", func(c *call, _ []byte) []byte {
		return c.withSignature(func(h *common.SignatureHeader) { h.Nonce = hashed([]byte("other"))[:24] })
	}},
	{"creator", func(c *call, _ []byte) []byte {
		return c.withSignature(func(h *common.SignatureHeader) { h.Creator = peerA.identity() })
	}},
	{"action-creator", func(c *call, result []byte) []byte {
		return varied(c.honest(result), func(_ *common.Payload, t *peer.Transaction) { t.Actions[0].Header = []byte("other") })
	}},
	{"argument", func(c *call, _ []byte) []byte {
		return c.withArgs(func(s *peer.ChaincodeSpec) { s.Input.Args[len(s.Input.Args)-1] = []byte("other") })
	}},
	{"more-arguments", func(c *call, _ []byte) []byte {
		return c.withArgs(func(s *peer.ChaincodeSpec) { s.Input.Args = append(s.Input.Args, []byte("more")) })
	}},
	{"chaincode", func(c *call, _ []byte) []byte {
		return c.withArgs(func(s *peer.ChaincodeSpec) { s.ChaincodeId.Name = "other" })
	}},
	{"private-part", func(c *call, result []byte) []byte {
		payload := &peer.ChaincodeProposalPayload{Input: c.payload.Input, TransientMap: map[string][]byte{"parts": []byte("in the open")}}
		return assemble(&c.header, c.header.SignatureHeader, encoded(payload), endorsed(c.answer(&peer.Response{Status: 200, Payload: result}), peerA, peerB))
	}},
	{"proposal-hash", func(c *call, result []byte) []byte {
		other := &call{chaincode: c.chaincode}
		return c.by(other.answer(&peer.Response{Status: 200, Payload: result}), peerA, peerB)
	}},
	{"other-chaincode-answered", func(c *call, result []byte) []byte {
		other := c.alike()
		other.chaincode = "other"
		return c.by(other.answer(&peer.Response{Status: 200, Payload: result}), peerA, peerB)
	}},
	{"refusal", func(c *call, result []byte) []byte {
		return c.by(c.answer(&peer.Response{Status: 400, Payload: result}), peerA, peerB)
	}},
	{"result", func(c *call, result []byte) []byte {
		return changedEndorsement(c.honest(result), func(a *peer.ChaincodeEndorsedAction) {
			a.ProposalResponsePayload = c.answer(&peer.Response{Status: 200, Payload: []byte("other")})
		})
	}},
	{"two-actions", func(c *call, result []byte) []byte {
		return varied(c.honest(result), func(_ *common.Payload, t *peer.Transaction) { t.Actions = append(t.Actions, t.Actions[0]) })
	}},
	{"no-action", func(c *call, result []byte) []byte {
		return varied(c.honest(result), func(_ *common.Payload, t *peer.Transaction) { t.Actions = nil })
	}},
	{"no-endorsement", func(c *call, result []byte) []byte {
		return c.by(c.answer(&peer.Response{Status: 200, Payload: result}))
	}},
	{"one-endorsement", func(c *call, result []byte) []byte {
		return c.by(c.answer(&peer.Response{Status: 200, Payload: result}), peerA)
	}},
	{"one-organisation-twice", func(c *call, result []byte) []byte {
		return c.by(c.answer(&peer.Response{Status: 200, Payload: result}), peerA, otherPeerA)
	}},
	{"a-client-endorses", func(c *call, result []byte) []byte {
		return c.by(c.answer(&peer.Response{Status: 200, Payload: result}), peerA, clientB)
	}},
	{"broken-endorsement", func(c *call, result []byte) []byte {
		return changedEndorsement(c.honest(result), func(a *peer.ChaincodeEndorsedAction) { a.Endorsements[1].Signature[12] ^= 1 })
	}},
	{"stranger", func(c *call, result []byte) []byte {
		return c.by(c.answer(&peer.Response{Status: 200, Payload: result}), peerA, stranger)
	}},
	{"other-organisations-peer", func(c *call, result []byte) []byte {
		posed := *peerA
		posed.mspID = peerB.mspID
		return c.by(c.answer(&peer.Response{Status: 200, Payload: result}), peerA, &posed)
	}},
	{"unknown-field", func(c *call, result []byte) []byte {
		return append(c.honest(result), 0xfa, 0x01, 3, 'n', 'e', 'w') // field 31
	}},
	{"header-twice", func(c *call, result []byte) []byte {
		more := encoded(&common.Payload{Header: &common.Header{SignatureHeader: c.header.SignatureHeader}})
		return append(more, c.honest(result)...)
	}},
	{"data-twice", func(c *call, result []byte) []byte {
		return append(encoded(&common.Payload{Data: []byte("before")}), c.honest(result)...)
	}},
	{"nothing", func(*call, []byte) []byte { return nil }},
	{"noise", func(*call, []byte) []byte { return bytes.Repeat([]byte{0xff}, 64) }},
}

var (
	caA        = newAuthority("ca-a")
	caB        = newAuthority("ca-b")
	peerA      = caA.peer("peer-a", "OrgA")
	otherPeerA = caA.peer("other-peer-a", "OrgA")
	peerB      = caB.peer("peer-b", "OrgB")
	stranger   = newAuthority("ca-stranger").peer("stranger", "OrgB")
	client     = caA.member("client", "OrgA")
	clientB    = caB.member("client-b", "OrgB")
	clientEd   = caA.ed25519Member("client-ed25519", "OrgA")
	tlsCA      = newAuthority("tlsca")
	tlsPeer    = tlsCA.host("tls-peer")
	tlsClient  = tlsCA.host("tls-client")
)
