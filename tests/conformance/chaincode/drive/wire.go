package main

// Here drive plays the peers of organisations: it speaks their protocol to the chaincodes over the wire, keeps rows and parts in
// memory, and is as strict as a peer is.  A transaction does not see its own writes; a row without a value is a deleted one;
// of a part only the hash may be read.

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

const patience = 10 * time.Minute // on the busiest of computers

// place is where a value lies: rows have no collection.
type place struct{ collection, key string }

type wire struct {
	lock   sync.RWMutex
	values map[place][]byte
	peers  []*wirePeer
}

// A wirePeer is one organisation's: it has one chaincode.
type wirePeer struct {
	net    *wire
	stream grpc.BidiStreamingClient[peer.ChaincodeMessage, peer.ChaincodeMessage]
	lock   sync.Mutex // of stream.Send and running
	runs   map[string]*simulation
	ended  error
}

// A simulation is one transaction at one peer: what it writes is done later, if everybody wants the same.
type simulation struct {
	writes  map[place]*peer.WriteRecord
	done    chan *peer.ChaincodeMessage
	isAsked bool // an evaluation, for no block: parts may be read
}

func dialChaincodes(addresses []string) (*wire, error) {
	net := &wire{values: map[place][]byte{}}
	for _, address := range addresses {
		connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		// it may be starting still
		stream, err := peer.NewChaincodeClient(connection).Connect(context.Background(), grpc.WaitForReady(true))
		if err != nil {
			return nil, err
		}
		p := &wirePeer{net: net, stream: stream, runs: map[string]*simulation{}}
		if err := p.register(); err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		net.peers = append(net.peers, p)
		go p.serve()
	}
	return net, nil
}

func (p *wirePeer) send(kind peer.ChaincodeMessage_Type, tx string, payload []byte) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.stream.Send(&peer.ChaincodeMessage{Type: kind, Txid: tx, ChannelId: channel, Payload: payload})
}

func (p *wirePeer) register() error {
	hello, err := p.stream.Recv()
	if err != nil {
		return err
	}
	if hello.Type != peer.ChaincodeMessage_REGISTER {
		return fmt.Errorf("it begins with %s", hello.Type)
	}
	if err := p.send(peer.ChaincodeMessage_REGISTERED, "", nil); err != nil {
		return err
	}
	return p.send(peer.ChaincodeMessage_READY, "", encoded(&peer.ChaincodeAdditionalParams{UseWriteBatch: true, MaxSizeWriteBatch: 1000,
		UseGetMultipleKeys: true, MaxSizeGetMultipleKeys: 1000}))
}

func (p *wirePeer) serve() {
	for {
		message, err := p.stream.Recv()
		if err == nil {
			p.lock.Lock()
			run := p.runs[message.Txid]
			p.lock.Unlock()
			if run == nil {
				err = errors.New("it speaks of a transaction that does not run")
			} else if message.Type == peer.ChaincodeMessage_COMPLETED || message.Type == peer.ChaincodeMessage_ERROR {
				run.done <- message
			} else {
				err = p.reply(run, message)
			}
		}
		if err != nil {
			p.end(err)
			return
		}
	}
}

func (p *wirePeer) end(err error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.ended = err
	for _, run := range p.runs {
		run.done <- &peer.ChaincodeMessage{Type: peer.ChaincodeMessage_ERROR, Payload: []byte("the chaincode has ended: " + err.Error())}
	}
}

func (p *wirePeer) reply(run *simulation, message *peer.ChaincodeMessage) error {
	payload, err := p.net.ask(run, message)
	if err != nil {
		return p.send(peer.ChaincodeMessage_ERROR, message.Txid, []byte(err.Error()))
	}
	return p.send(peer.ChaincodeMessage_RESPONSE, message.Txid, payload)
}

// ask answers what a chaincode wants to read, and notes what it wants to write.
func (w *wire) ask(run *simulation, message *peer.ChaincodeMessage) ([]byte, error) {
	w.lock.RLock()
	defer w.lock.RUnlock()
	switch message.Type {
	case peer.ChaincodeMessage_GET_STATE:
		var get peer.GetState
		if err := proto.Unmarshal(message.Payload, &get); err != nil {
			return nil, err
		}
		if get.Collection != "" && !run.isAsked {
			return nil, errors.New("a transaction that writes reads a part")
		}
		return w.values[place{get.Collection, get.Key}], nil
	case peer.ChaincodeMessage_GET_STATE_MULTIPLE:
		var get peer.GetStateMultiple
		if err := proto.Unmarshal(message.Payload, &get); err != nil {
			return nil, err
		}
		if get.Collection != "" && !run.isAsked {
			return nil, errors.New("a transaction that writes reads a part")
		}
		result := &peer.GetStateMultipleResult{}
		for _, key := range get.Keys {
			result.Values = append(result.Values, w.values[place{get.Collection, key}])
		}
		return encoded(result), nil
	case peer.ChaincodeMessage_GET_PRIVATE_DATA_HASH:
		var get peer.GetState
		if err := proto.Unmarshal(message.Payload, &get); err != nil {
			return nil, err
		}
		part, there := w.values[place{get.Collection, get.Key}]
		if !there {
			return nil, nil
		}
		hash := sha256.Sum256(part)
		return hash[:], nil
	case peer.ChaincodeMessage_GET_STATE_BY_RANGE:
		var get peer.GetStateByRange
		if err := proto.Unmarshal(message.Payload, &get); err != nil {
			return nil, err
		}
		return encoded(&peer.QueryResponse{Results: w.between(place{get.Collection, get.StartKey}, get.EndKey), Id: message.Txid}), nil
	case peer.ChaincodeMessage_QUERY_STATE_CLOSE:
		return encoded(&peer.QueryResponse{}), nil
	case peer.ChaincodeMessage_WRITE_BATCH_STATE:
		var batch peer.WriteBatchState
		if err := proto.Unmarshal(message.Payload, &batch); err != nil {
			return nil, err
		}
		for _, write := range batch.Rec {
			run.writes[place{write.Collection, write.Key}] = write
		}
		return nil, nil
	case peer.ChaincodeMessage_PUT_STATE:
		var put peer.PutState
		if err := proto.Unmarshal(message.Payload, &put); err != nil {
			return nil, err
		}
		run.writes[place{put.Collection, put.Key}] = &peer.WriteRecord{Key: put.Key, Value: put.Value, Collection: put.Collection,
			Type: peer.WriteRecord_PUT_STATE}
		return nil, nil
	}
	return nil, fmt.Errorf("%s is not expected of this chaincode", message.Type)
}

func (w *wire) between(from place, to string) (found []*peer.QueryResultBytes) {
	var keys []string
	for at := range w.values {
		if at.collection == from.collection && at.key >= from.key && at.key < to {
			keys = append(keys, at.key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		found = append(found, &peer.QueryResultBytes{ResultBytes: encoded(&queryresult.KV{Key: key, Value: w.values[place{from.collection, key}]})})
	}
	return found
}

func (p *wirePeer) simulate(tx string, args [][]byte, proposal *peer.SignedProposal) (*peer.ChaincodeMessage, map[place]*peer.WriteRecord, error) {
	name := string(args[0])
	run := &simulation{writes: map[place]*peer.WriteRecord{}, done: make(chan *peer.ChaincodeMessage, 2), isAsked: name == "left" || name == "applications"}
	p.lock.Lock()
	err := p.ended
	p.runs[tx] = run
	if err == nil {
		err = p.stream.Send(&peer.ChaincodeMessage{Type: peer.ChaincodeMessage_TRANSACTION, Txid: tx, ChannelId: channel, Proposal: proposal,
			Payload: encoded(&peer.ChaincodeInput{Args: args})})
	}
	p.lock.Unlock()
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		p.lock.Lock()
		delete(p.runs, tx)
		p.lock.Unlock()
	}()
	select {
	case message := <-run.done:
		if message.Type == peer.ChaincodeMessage_ERROR {
			return nil, nil, errors.New(string(message.Payload))
		}
		return message, run.writes, nil
	case <-time.After(patience):
		return nil, nil, errors.New("the chaincode does not answer")
	}
}

// everything that a peer would sign: the answer, the event, the writes.
func everything(message *peer.ChaincodeMessage, writes map[place]*peer.WriteRecord) string {
	var lines []string
	for at, write := range writes {
		lines = append(lines, fmt.Sprintf("%s %s %s %x", at.collection, at.key, write.Type, write.Value))
	}
	sort.Strings(lines)
	event := message.ChaincodeEvent
	return fmt.Sprintf("%x %s %x\n%s", message.Payload, event.GetEventName(), event.GetPayload(), strings.Join(lines, "\n"))
}

func (w *wire) invoke(args [][]byte, transient map[string][]byte) (*peer.Response, error) {
	return w.invokeAs(nobody, time.Now(), args, transient)
}

func (w *wire) invokeAs(creator []byte, at time.Time, args [][]byte, transient map[string][]byte) (*peer.Response, error) {
	proposal, tx := proposeTo(contract, creator, at, args, transient)
	return w.invokeBy(proposal, tx, args)
}

// invokeBy sends a proposal that somebody else has made, of that transaction and with those arguments.
func (w *wire) invokeBy(proposal *peer.Proposal, tx string, args [][]byte) (*peer.Response, error) {
	signed := &peer.SignedProposal{ProposalBytes: encoded(proposal)}
	var first string
	var answer *peer.ChaincodeMessage
	var writes map[place]*peer.WriteRecord
	for i, p := range w.peers {
		message, wanted, err := p.simulate(tx, args, signed)
		if err != nil {
			return nil, err
		}
		own := everything(message, wanted)
		if i > 0 && own != first {
			return nil, fmt.Errorf("organisation %d says otherwise than the first:\n%s\n%s", i+1, own, first)
		}
		first, answer, writes = own, message, wanted
	}
	var response peer.Response
	if err := proto.Unmarshal(answer.Payload, &response); err != nil {
		return nil, err
	}
	if err := checkEvent(args, &response, answer.ChaincodeEvent); err != nil {
		return nil, err
	}
	if response.Status >= 400 {
		if len(writes) > 0 && string(args[0]) != "leave" { // which counts before it decides; no peer endorses that
			return nil, errors.New("what is refused is written all the same")
		}
		return &response, nil
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	for at, write := range writes {
		switch {
		case write.Type == peer.WriteRecord_PUT_STATE && len(write.Value) > 0:
			w.values[at] = write.Value
		default:
			delete(w.values, at)
		}
	}
	return &response, nil
}

// An applied batch has one event: its id and the results.  Nothing else has any.
func checkEvent(args [][]byte, response *peer.Response, event *peer.ChaincodeEvent) error {
	name := string(args[0])
	if name != "judge" && name != "register" || response.Payload == nil || response.Payload[0] != 1 {
		if event != nil {
			return fmt.Errorf("an event %s of what is not applied", event.EventName)
		}
		return nil
	}
	id := sha256.Sum256(args[len(args)-1][:144]) // of the header without the signature
	if event.GetEventName() != "batch" {
		return fmt.Errorf("the event is called %q", event.GetEventName())
	}
	return same("event", event.Payload, append(id[:], response.Payload[1:]...))
}

func (w *wire) rows(prefix string) (map[string][]byte, error) {
	w.lock.RLock()
	defer w.lock.RUnlock()
	found := map[string][]byte{}
	for at, value := range w.values {
		if at.collection == "" && strings.HasPrefix(at.key, prefix) {
			if len(value) == 1 && value[0] == 0 {
				value = nil
			}
			found[at.key] = value
		}
	}
	return found, nil
}

func (w *wire) part(world, key string) ([]byte, error) {
	w.lock.RLock()
	defer w.lock.RUnlock()
	collection := "parts"
	for _, family := range []string{"p/40/", "p/48/", "p/49/", "p/4a/"} { // requests and releases
		if strings.HasPrefix(key, family) {
			collection = "mail"
		}
	}
	return w.values[place{collection, world + key}], nil
}
