package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	atOnce         = 32 // transactions with peers or orderers at one time
	endorseTimeout = 40 * time.Second
	submitTimeout  = 40 * time.Second
	sendAgain      = 20 * time.Second // where orderers took an envelope and no block has it
	faultsMax      = 8                // answers of the contract that are no decision (500), before it counts as one
)

// sender brings what the outbox has to the peers and orderers, one line after another.
type sender struct {
	chain     *chain
	outbox    *outbox
	nodes     []*node
	who       *signer
	chaincode string
	enough    int           // organisations that must say no
	slots     chan struct{} // one for each call of a peer

	mu    sync.Mutex
	lines map[string][]*record // what waits behind each other; the first is being sent
	all   sync.WaitGroup
	ctx   context.Context
}

func newSender(ctx context.Context, c *chain, o *outbox, nodes []*node, who *signer, chaincode string) *sender {
	s := &sender{chain: c, outbox: o, nodes: nodes, who: who, chaincode: chaincode, enough: 1, slots: make(chan struct{}, atOnce),
		lines: map[string][]*record{}, ctx: ctx}
	if slices.ContainsFunc(nodes, func(n *node) bool { return n.msp != nodes[0].msp }) {
		s.enough = 2
	}
	return s
}

// start sends a record when those before it in its line have ended.
func (s *sender) start(r *record) {
	line := "line " + r.Line
	if r.Line == "" {
		line = "id " + r.ID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[line] = append(s.lines[line], r)
	if len(s.lines[line]) == 1 {
		s.all.Go(func() { s.runLine(line) })
	}
}

// runLine ends with the last of its line: there is one for each line that has something.
func (s *sender) runLine(line string) {
	for more := true; more; {
		s.mu.Lock()
		first := s.lines[line][0]
		s.mu.Unlock()
		if s.untilEnded(first); s.ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		s.lines[line] = s.lines[line][1:]
		if more = len(s.lines[line]) > 0; !more {
			delete(s.lines, line)
		}
		s.mu.Unlock()
	}
}

// attempt is what is remembered of a record between tries.
type attempt struct {
	record    *record
	turn      int               // which peer is asked
	refusedBy map[string]string // by organisation: its words
	faults    int
}

func (s *sender) untilEnded(r *record) {
	a := &attempt{record: r, refusedBy: map[string]string{}}
	pause := pauseMin
	for s.ctx.Err() == nil {
		now, moved, err := s.outbox.look(r.ID)
		if err == nil && now.State != waiting {
			return
		}
		wait := pause
		if err == nil {
			wait, err = s.step(a, now)
		}
		if err != nil {
			s.outbox.say(r, err.Error())
			slog.Warn("a transaction waits", "id", r.ID, "why", err)
			wait, pause = pause, min(2*pause, pauseMax)
		} else {
			pause = pauseMin
		}
		select {
		case <-moved:
		case <-s.ctx.Done():
		case <-time.After(wait):
		}
	}
}

// step endorses or sends, whichever is next, and answers how long to wait for what follows from it.
func (s *sender) step(a *attempt, now *record) (time.Duration, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
	n := s.nodes[a.turn%len(s.nodes)]
	var err error
	if now.Transaction == "" {
		if err = s.endorse(a, n); err != nil {
			a.turn++
			return 0, err
		}
		return 0, nil
	}
	if time.Now().Add(-time.Hour).Unix() > now.Until { // orderers take it no more, and what they took is in a block
		return 0, s.outbox.endorseAgain(a.record, "the certificate in its envelope has ended")
	}
	envelope, err := s.outbox.envelope(now.ID)
	if err != nil {
		return 0, err
	}
	if err := s.chain.knowsMaker(envelope); err != nil { // orderers take it no more, and a block behind this one has it without effect
		return 0, s.outbox.endorseAgain(a.record, "the channel takes the certificate in its envelope no more: "+err.Error())
	}
	transaction, err := n.gateway.NewTransaction(envelope)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, submitTimeout)
	defer cancel()
	a.turn++ // the next time by another peer, so that one that swallows envelopes holds up nothing
	_, err = transaction.SubmitWithContext(ctx)
	return sendAgain, n.note(err)
}

// endorse has peers run the contract, and keeps what they sign, or how it ended.
func (s *sender) endorse(a *attempt, n *node) error {
	called, err := s.outbox.content(a.record.ID)
	if err != nil {
		return err
	}
	height := s.chain.height()
	proposal, err := n.network.GetContract(s.chaincode).NewProposal(called.Function, client.WithBytesArguments(called.Args...), client.WithTransient(called.Transient))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, endorseTimeout)
	defer cancel()
	transaction, err := proposal.EndorseWithContext(ctx)
	if no, ok := refusalIn(err); ok {
		n.note(nil)
		return s.refuse(a, n, no, err)
	}
	if n.note(err) != nil {
		return err
	}
	prepared, result, err := s.check(proposal, transaction)
	if err != nil {
		return fmt.Errorf("%s: %w", n.address, err)
	}
	if writes, err := hasWrites(result); err != nil {
		return err
	} else if !writes {
		return s.outbox.endWith(a.record, func(k *kept) { k.State, k.Answer = answered, result.Response.GetPayload() })
	}
	return s.keep(a.record, prepared, height)
}

// keep signs the envelope and puts it on the disk.
func (s *sender) keep(r *record, prepared *gateway.PreparedTransaction, height uint64) (err error) {
	if prepared.Envelope.Signature, err = s.who.sign(s.who.hash(prepared.Envelope.Payload)); err != nil {
		return err
	}
	envelope, err := proto.Marshal(prepared)
	if err != nil {
		return err
	}
	if most := s.chain.envelopeMax(); len(envelope) > most {
		return s.outbox.endWith(r, func(k *kept) {
			k.State, k.Said = refused, fmt.Sprintf("the envelope has %d bytes, and the channel takes %d", len(envelope), most)
		})
	}
	return s.outbox.prepared(r, prepared.TransactionId, envelope, height, s.who.certificate.NotAfter)
}

// check fails unless a peer gave back what was asked, endorsed as the contract's policy wants: nothing else is signed or believed.
func (s *sender) check(proposal *client.Proposal, transaction *client.Transaction) (*gateway.PreparedTransaction, *peer.ChaincodeAction, error) {
	asked, prepared := &gateway.ProposedTransaction{}, &gateway.PreparedTransaction{}
	askedBytes, err := proposal.Bytes()
	preparedBytes, failed := transaction.Bytes()
	if err = errors.Join(err, failed, proto.Unmarshal(askedBytes, asked), proto.Unmarshal(preparedBytes, prepared)); err != nil {
		return nil, nil, err
	}
	ours, header, carried, payload := &peer.Proposal{}, &common.Header{}, &peer.ChaincodeProposalPayload{}, &common.Payload{}
	if err := errors.Join(proto.Unmarshal(asked.GetProposal().GetProposalBytes(), ours), proto.Unmarshal(ours.GetHeader(), header),
		proto.Unmarshal(ours.GetPayload(), carried), proto.Unmarshal(prepared.GetEnvelope().GetPayload(), payload)); err != nil {
		return nil, nil, err
	}
	public, err := protoutil.GetBytesProposalPayloadForTx(carried)
	if err != nil {
		return nil, nil, err
	}
	hash, err := protoutil.GetProposalHash2(header, public)
	if err != nil {
		return nil, nil, err
	}
	theirs, err := actionOf(payload)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(payload.GetHeader().GetChannelHeader(), header.ChannelHeader) || !bytes.Equal(payload.GetHeader().GetSignatureHeader(), header.SignatureHeader) ||
		!bytes.Equal(theirs.header, header.SignatureHeader) || !bytes.Equal(theirs.proposal, public) || !bytes.Equal(theirs.hash, hash) ||
		prepared.TransactionId != asked.TransactionId {
		return nil, nil, errors.New("it asks for a signature over something else than was asked for")
	}
	return prepared, theirs.result, s.chain.isEndorsed(s.chaincode, theirs.endorsed)
}

// refusal is a no of the contract.
type refusal struct {
	status int32
	words  string
}

var refusalText = regexp.MustCompile(`(?s)^chaincode response (\d+), (.*)$`)

// refusalIn finds the contract's no in what a gateway says.
func refusalIn(err error) (refusal, bool) {
	if err == nil {
		return refusal{}, false
	}
	for _, detail := range status.Convert(err).Details() {
		said, ok := detail.(*gateway.ErrorDetail)
		if !ok {
			continue
		}
		if found := refusalText.FindStringSubmatch(said.Message); found != nil {
			code, _ := strconv.Atoi(found[1])
			return refusal{int32(code), found[2]}, true
		}
	}
	return refusal{}, false
}

// refuse ends a transaction that the contract decided against. One peer's word is not enough where there are peers of two organisations: it
// may lag behind, or lie. An answer of 500 is a fault there rather than a decision, so it is asked for some times more.
func (s *sender) refuse(a *attempt, n *node, no refusal, err error) error {
	a.refusedBy[n.msp] = no.words
	same := 0
	for _, words := range a.refusedBy {
		if words == no.words {
			same++
		}
	}
	if no.status >= 500 {
		a.faults++
	}
	if same < s.enough || (no.status >= 500 && a.faults < faultsMax) {
		return fmt.Errorf("%s: %w", n.msp, err)
	}
	return s.outbox.endWith(a.record, func(k *kept) { k.State, k.Status, k.Said = refused, no.status, no.words })
}

// knowsMaker fails where the channel takes nothing more from the maker of a prepared transaction: the root of its CA is gone, say, or it is revoked.
func (c *chain) knowsMaker(preparedBytes []byte) error {
	prepared, payload, header := &gateway.PreparedTransaction{}, &common.Payload{}, &common.SignatureHeader{}
	if err := errors.Join(proto.Unmarshal(preparedBytes, prepared), proto.Unmarshal(prepared.GetEnvelope().GetPayload(), payload),
		proto.Unmarshal(payload.GetHeader().GetSignatureHeader(), header)); err != nil {
		return err
	}
	maker, err := c.MSPManager().DeserializeIdentity(header.Creator)
	if err != nil {
		return err
	}
	return maker.Validate()
}

// envelopeHash names an envelope as blocks have it.
func envelopeHash(preparedBytes []byte) (hash [32]byte, err error) {
	prepared := &gateway.PreparedTransaction{}
	if err = proto.Unmarshal(preparedBytes, prepared); err != nil {
		return hash, err
	}
	envelope, err := proto.Marshal(prepared.GetEnvelope())
	return sha256.Sum256(envelope), err
}

// answerIn is what the contract answered in an envelope of a block.
func answerIn(data []byte) []byte {
	envelope, payload := &common.Envelope{}, &common.Payload{}
	err := errors.Join(proto.Unmarshal(data, envelope), proto.Unmarshal(envelope.GetPayload(), payload))
	found, failed := actionOf(payload)
	if err != nil || failed != nil {
		return nil
	}
	return found.result.GetResponse().GetPayload()
}
