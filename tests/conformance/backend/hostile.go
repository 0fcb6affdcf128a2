package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const evaluates = "/gateway.Gateway/Evaluate"

func encoded(message proto.Message) []byte { return must(proto.Marshal(message)) }

func decode(bytesOf []byte, into proto.Message) { must(0, proto.Unmarshal(bytesOf, into)) }

// ---- Lies about what is to be signed ----

// opened is an endorsed transaction that is taken apart, for a lie to be put in.
type opened struct {
	channel   common.ChannelHeader
	signature common.SignatureHeader
	header    []byte // of the action
	carried   peer.ChaincodeProposalPayload
	called    peer.ChaincodeInvocationSpec
	action    peer.ChaincodeEndorsedAction
	response  peer.ProposalResponsePayload
	result    peer.ChaincodeAction
	again     bool // the action stands there twice
}

// lied is the answer of a gateway with a lie in it.
func lied(answer []byte, lie func(*opened)) []byte {
	prepared, payload, transaction, carried := &gateway.EndorseResponse{}, &common.Payload{}, &peer.Transaction{}, &peer.ChaincodeActionPayload{}
	o := &opened{}
	decode(answer, prepared)
	decode(prepared.PreparedTransaction.Payload, payload)
	decode(payload.Header.ChannelHeader, &o.channel)
	decode(payload.Header.SignatureHeader, &o.signature)
	decode(payload.Data, transaction)
	decode(transaction.Actions[0].Payload, carried)
	o.header = transaction.Actions[0].Header
	decode(carried.ChaincodeProposalPayload, &o.carried)
	decode(o.carried.Input, &o.called)
	proto.Merge(&o.action, carried.Action)
	decode(o.action.ProposalResponsePayload, &o.response)
	decode(o.response.Extension, &o.result)
	lie(o)
	// All else keeps its bytes.
	again := func(was []byte, as, now proto.Message) []byte {
		if decode(was, as); proto.Equal(as, now) {
			return was
		}
		return encoded(now)
	}
	o.carried.Input = again(o.carried.Input, &peer.ChaincodeInvocationSpec{}, &o.called)
	o.response.Extension = again(o.response.Extension, &peer.ChaincodeAction{}, &o.result)
	o.action.ProposalResponsePayload = again(o.action.ProposalResponsePayload, &peer.ProposalResponsePayload{}, &o.response)
	payload.Header.ChannelHeader = again(payload.Header.ChannelHeader, &common.ChannelHeader{}, &o.channel)
	payload.Header.SignatureHeader = again(payload.Header.SignatureHeader, &common.SignatureHeader{}, &o.signature)
	carried.ChaincodeProposalPayload = again(carried.ChaincodeProposalPayload, &peer.ChaincodeProposalPayload{}, &o.carried)
	carried.Action = &o.action
	transaction.Actions[0] = &peer.TransactionAction{Header: o.header, Payload: encoded(carried)}
	if o.again {
		transaction.Actions = append(transaction.Actions, transaction.Actions[0])
	}
	payload.Data = encoded(transaction)
	prepared.PreparedTransaction.Payload = encoded(payload)
	return encoded(prepared)
}

// lies has the gateway of its own organisation lie in each way about what it gives to sign: nothing of it is signed, and another peer is asked.
func (t *test) lies() {
	otherClient := t.network.member(2)
	for _, one := range []struct {
		says   string
		change func([]byte) []byte
		lie    func(*opened)
	}{
		{"another channel", nil, func(o *opened) { o.channel.ChannelId = "other" }},
		{"another time", nil, func(o *opened) { o.channel.Timestamp.Seconds++ }},
		{"another transaction id", nil, func(o *opened) { o.channel.TxId = hex.EncodeToString(make([]byte, 32)) }},
		{"another creator", nil, func(o *opened) { o.signature.Creator = otherClient.creator }},
		{"another header of the action", nil, func(o *opened) { o.header = nil }},
		{"other arguments", nil, func(o *opened) {
			o.called.ChaincodeSpec.Input.Args = append(o.called.ChaincodeSpec.Input.Args, []byte("more"))
		}},
		{"another contract", nil, func(o *opened) { o.called.ChaincodeSpec.ChaincodeId.Name = "other" }},
		{"private parts in the open", nil, func(o *opened) { o.carried.TransientMap = map[string][]byte{"letter": []byte("a letter")} }},
		{"a second action", nil, func(o *opened) { o.again = true }},
		{"another proposal", nil, func(o *opened) { o.response.ProposalHash[0] ^= 1 }},
		{"another answer", nil, func(o *opened) { o.result.Response.Payload = []byte("yes") }},
		{"no result", nil, func(o *opened) { proto.Reset(&o.result) }},
		{"no answer of endorsers", nil, func(o *opened) { proto.Reset(&o.response) }},
		{"endorsed by nobody", nil, func(o *opened) { o.action.Endorsements = nil }},
		{"endorsed by one organisation twice", nil, func(o *opened) {
			o.action.Endorsements = []*peer.Endorsement{o.action.Endorsements[0], o.action.Endorsements[0]}
		}},
		{"a spoilt endorsement", nil, func(o *opened) { o.action.Endorsements[0].Signature[9] ^= 1 }},
		{"endorsed by a client", nil, func(o *opened) {
			of := append(bytes.Clone(o.action.ProposalResponsePayload), otherClient.creator...)
			o.action.Endorsements = []*peer.Endorsement{o.action.Endorsements[0], {Endorser: otherClient.creator, Signature: must(otherClient.sign(hash.SHA256(of)))}}
		}},
		{"nothing", func([]byte) []byte { return nil }, nil},
		{"an envelope of nothing", func([]byte) []byte { return encoded(&gateway.EndorseResponse{PreparedTransaction: &common.Envelope{}}) }, nil},
	} {
		var gave, lieGiven []byte
		signed := make(chan []byte, 100)
		for i, p := range t.peers {
			p.set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
				switch {
				case method == submits && !isAnswer:
					submitted := &gateway.SubmitRequest{}
					decode(message, submitted)
					signed <- submitted.PreparedTransaction.Payload
				case method == endorses && isAnswer && i == 0:
					if gave = message; one.lie != nil {
						message = lied(message, one.lie)
					} else {
						message = one.change(message)
					}
					lieGiven = message
				}
				return [][]byte{message}, nil
			})
		}
		t.enters(t.one, "lie-"+hex.EncodeToString([]byte(one.says)))
		if gave == nil || bytes.Equal(gave, lieGiven) {
			fail("%s: nobody lied", one.says)
		}
		lie := &gateway.EndorseResponse{}
		for decode(lieGiven, lie); len(signed) > 0; {
			if bytes.Equal(<-signed, lie.GetPreparedTransaction().GetPayload()) {
				fail("it signed %s", one.says)
			}
		}
	}
}

// aloneSaysNo has one organisation's peer say that the contract refuses: that is no refusal while another one endorses.
func (t *test) aloneSaysNo() {
	for _, code := range []int{409, 500} {
		no := must(status.New(codes.Aborted, "failed to endorse").WithDetails(&gateway.ErrorDetail{Address: "peer", MspId: "Emr1MSP",
			Message: fmt.Sprintf("chaincode response %d, refused 23: it says so", code)}))
		said := make(chan bool, 100)
		t.peers[0].set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
			if method == endorses && isAnswer {
				said <- true
				return nil, no.Err()
			}
			return [][]byte{message}, nil
		})
		t.enters(t.one, fmt.Sprint("no-", code))
		<-said
	}
}

// ---- What is kept back ----

// keepsBack has a peer give no new blocks, say of an envelope that it went to the orderers though another one did, and answer one call never.
func (t *test) keepsBack() {
	earlier, first := make(chan []byte, 100), letter("kept-back")
	silent := letter("silent")
	silent["line"] = "silent"
	t.peers[0].set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
		if method == submits && !isAnswer {
			earlier <- message
		}
		return [][]byte{message}, nil
	})
	t.enters(t.one, "earlier")
	already, height := <-earlier, t.one.height()
	over := make(chan struct{})
	sent := make(chan []byte, 100)
	t.peers[0].set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
		answer := &peer.DeliverResponse{}
		switch {
		case method == endorses && !isAnswer && bytes.Contains(message, silent["transient"].(map[string][]byte)["letter"]):
			<-over
		case method == submits && !isAnswer:
			sent <- message
			return [][]byte{already}, nil // orderers take it again, and the gateway says that all is well
		case method == delivers && isAnswer && proto.Unmarshal(message, answer) == nil && answer.GetBlock().GetHeader().GetNumber() >= uint64(height):
			return nil, nil
		}
		return [][]byte{message}, nil
	})
	for _, p := range t.peers[1:] {
		p.set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
			if method == submits && !isAnswer {
				sent <- message
			}
			return [][]byte{message}, nil
		})
	}
	t.one.kill()
	t.one.start() // it reads from the first one again
	t.one.ok("/v1/transactions", silent)
	t.one.ok("/v1/transactions", first)
	t.entered(t.one, first)
	expect("what is sent again", hex.EncodeToString(<-sent), hex.EncodeToString(<-sent))
	t.entered(t.one, silent)
	close(over)
}

// otherChannel has a peer give blocks of another channel of the same orderers, who have signed them, under the numbers that come next.
func (t *test) otherChannel() {
	height := t.two.height()
	for number := uint64(1); number < uint64(height+3); number++ {
		t.member.order(t.member.envelopeOf("other", common.HeaderType_ENDORSER_TRANSACTION, garbage))
		t.member.orderedOf("other", number) // each one in a block of its own
	}
	given := make(chan uint64, 100)
	t.peers[1].set(block(func(b *common.Block) []*common.Block {
		if number := b.Header.Number; number >= uint64(height) && number < uint64(height+3) {
			b = t.member.orderedOf("other", number)
			given <- number
		}
		return []*common.Block{b}
	}))
	t.two.kill()
	t.two.start()
	t.enters(t.two, "beside-another-channel")
	<-given
}

// emptyAnswers: a message without anything in it is no block, also where the first one is fetched; nor is one with the data of another.
func (t *test) emptyAnswers() {
	for i, empty := range []func(*common.Block){
		func(b *common.Block) { proto.Reset(b) },
		func(b *common.Block) { b.Header = nil },
		func(b *common.Block) { b.Data = nil },
		func(b *common.Block) {
			if b.Header.Number == 0 { // its header is the one in the settings
				b.Data = t.member.orderedOf("other", 0).Data
			}
		},
		func(b *common.Block) { b.Data = &common.BlockData{Data: [][]byte{nil}} },
		func(b *common.Block) { b.Metadata = &common.BlockMetadata{Metadata: [][]byte{nil}} },
		nil,
	} {
		given := make(chan bool, 1000)
		hook := func(method string, isAnswer bool, message []byte) ([][]byte, error) {
			if method == delivers && isAnswer {
				given <- true
				return [][]byte{nil}, nil
			}
			return [][]byte{message}, nil
		}
		if empty != nil {
			hook = block(func(b *common.Block) []*common.Block {
				empty(b)
				given <- true
				return []*common.Block{b}
			})
		}
		t.peers[2].set(hook)
		dir := filepath.Join(t.work, fmt.Sprint("new-", i))
		b := t.network.backend(t.program, dir, 3, t.peers[2], t.peers[0], t.peers[1])
		b.start()
		b.follows(t.one.height())
		<-given
		b.kill()
		said := must(os.ReadFile(dir + ".log"))
		if isMetadata := i == 5; bytes.Contains(said, []byte("a peer does not give block 0")) == isMetadata { // that of block 0 is nobody's word
			fail("form %d of an empty block: %s", i, said)
		}
		must(0, os.RemoveAll(dir))
	}
}

// ---- Private parts ----

// list is how the contract answers for one part: the part, its hash, its row.
func list(part []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(part))), part...)
	if part == nil {
		out = []byte{0xff, 0xff, 0xff, 0xff}
	}
	return append(out, bytes.Repeat([]byte{0xff}, 8)...)
}

// lostParts: what no peer has is told as lost, what peers say wrong is never given, and what was lost can be handed in again.
func (t *test) lostParts() {
	l := letter("a-part")
	t.one.ok("/v1/transactions", l)
	t.entered(t.one, l)
	whole := l["transient"].(map[string][]byte)["letter"]
	part, sum := whole[17:], hex.EncodeToString(markOf(l))
	asked := object{"collection": "mail", "keys": []string{"letter/" + hex.EncodeToString(whole[:16]) + "/1"}}
	says := func(answers ...[]byte) { // each peer; nil: it is away
		for i, answer := range answers {
			t.peers[i].set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
				if method != evaluates {
					return [][]byte{message}, nil
				}
				if answer == nil {
					return nil, status.Error(codes.Unavailable, "played away")
				}
				if isAnswer {
					message = encoded(&gateway.EvaluateResponse{Result: &peer.Response{Status: 200, Payload: answer}})
				}
				return [][]byte{message}, nil
			})
		}
	}
	lost, found := object{"hash": sum}, object{"hash": sum, "part": text(part)}
	for _, one := range []struct {
		says     string
		answers  [][]byte
		part     object
		complete bool
	}{
		{"nobody has it", [][]byte{list(nil), list(nil), list(nil)}, lost, true},
		{"the third has it", [][]byte{list(nil), list(nil), list(part)}, found, true},
		{"the first has another one", [][]byte{list([]byte("another")), list(part), list(nil)}, found, true},
		{"all have another one", [][]byte{list([]byte("another")), list([]byte{}), list([]byte("other"))}, lost, true},
		{"the first answers nothing", [][]byte{{}, list(nil), list(nil)}, lost, false},
		{"the first answers too much", [][]byte{append(list(part), 0), list(nil), list(nil)}, lost, false},
		{"the first is away", [][]byte{nil, list(nil), list(nil)}, lost, false},
	} {
		says(one.answers...)
		answer := t.one.ok("/v1/parts", asked)
		expect(one.says, fmt.Sprint(answer), fmt.Sprint(object{"parts": []any{one.part}, "complete": one.complete}))
	}
	says(nil, nil, nil)
	code, answer := t.one.call("/v1/parts", asked)
	expect("all are away", []any{code, answer["error"]}, []any{503, "offline"})
	again := letter("again")
	again["transient"] = l["transient"]
	t.one.ok("/v1/transactions", again)
	expect("given again", t.one.untilEnded("again")["state"], "entered")
	expect("entries", t.effects(t.one, "leave", markOf(l)), 2)
}

// ---- Odd transactions ----

// changedPayload is what the client of organisation 1 has ordered in the place of an endorsed transaction, signed as it should be.
func (m *member) changedPayload(endorsed *common.Envelope, change func(*common.Payload)) *common.Envelope {
	payload := &common.Payload{}
	decode(endorsed.Payload, payload)
	change(payload)
	out := encoded(payload)
	return &common.Envelope{Payload: out, Signature: must(m.sign(hash.SHA256(out)))}
}

// inAction changes what an action has in it.
func inAction(change func(*peer.ChaincodeActionPayload)) func(*common.Payload) {
	return func(payload *common.Payload) {
		transaction, carried := &peer.Transaction{}, &peer.ChaincodeActionPayload{}
		decode(payload.Data, transaction)
		decode(transaction.Actions[0].Payload, carried)
		change(carried)
		transaction.Actions[0].Payload = encoded(carried)
		payload.Data = encoded(transaction)
	}
}

// oddForms are transactions that nobody honest writes, each from an endorsed one.
var oddForms = []func(*common.Payload){
	func(p *common.Payload) { p.Data = garbage },
	func(p *common.Payload) { p.Data = nil },
	func(p *common.Payload) {
		p.Data = encoded(&peer.Transaction{Actions: []*peer.TransactionAction{{}, {}}})
	},
	func(p *common.Payload) { p.Header.SignatureHeader = append(p.Header.SignatureHeader, 0x7a, 1, 1) },
	func(p *common.Payload) {
		header := &common.ChannelHeader{}
		decode(p.Header.ChannelHeader, header)
		header.Type = 99
		p.Header.ChannelHeader = encoded(header)
	},
	func(p *common.Payload) {
		header := &common.ChannelHeader{}
		decode(p.Header.ChannelHeader, header)
		header.Extension = garbage
		p.Header.ChannelHeader = encoded(header)
	},
	inAction(func(a *peer.ChaincodeActionPayload) { a.ChaincodeProposalPayload = garbage }),
	inAction(func(a *peer.ChaincodeActionPayload) { a.Action.ProposalResponsePayload = nil }),
	inAction(func(a *peer.ChaincodeActionPayload) { a.Action.Endorsements = nil }),
	inAction(func(a *peer.ChaincodeActionPayload) { // of nobody, before the good ones
		spoilt := proto.Clone(a.Action.Endorsements[0]).(*peer.Endorsement)
		spoilt.Signature[10] ^= 1
		a.Action.Endorsements = append([]*peer.Endorsement{{Endorser: []byte{1}}, spoilt}, a.Action.Endorsements...)
	}),
	inAction(func(a *peer.ChaincodeActionPayload) { // more than anybody needs
		for range 70 {
			a.Action.Endorsements = append(a.Action.Endorsements, &peer.Endorsement{Endorser: a.Action.Endorsements[0].Endorser[:9], Signature: []byte{1}})
		}
		slices.Reverse(a.Action.Endorsements)
	}),
}

// oddEach orders each odd form alone, made of a transaction that was endorsed and is held: the codes are those of peers, and the honest
// transaction comes behind it, or is endorsed again.
func (t *test) oddEach() {
	for i, change := range oddForms {
		l := letter(fmt.Sprint("odd-", i))
		came, letGo := t.peers[0].hold(submits, false, func([]byte) bool { return true })
		t.one.ok("/v1/transactions", l)
		submitted := &gateway.SubmitRequest{}
		decode(<-came, submitted)
		height := t.one.height()
		t.member.order(t.member.changedPayload(submitted.PreparedTransaction, change))
		t.one.follows(height + 1)
		t.agrees(height)
		letGo()
		ended := t.one.untilEnded(l["id"].(string)) // a form that counts has its id, so the honest one behind it is endorsed again
		expect(fmt.Sprint("an honest one behind it ", ended), []any{ended["state"], ended["validity"]}, []any{"entered", 0.0})
	}
}

// agrees fails where the codes of a block were others than a peer's.
func (t *test) agrees(number int) {
	said := must(os.ReadFile(t.one.dir + ".log"))
	if bytes.Contains(said, fmt.Appendf(nil, "other codes than were computed here\" block=%d ", number)) {
		fail("the code of an odd transaction in block %d is another one than the peers'", number)
	}
}
