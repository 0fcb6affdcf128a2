package main

// The state of a channel, and a transaction that runs on it: the chaincode of emrfs as it is, which reads and writes through the
// shim's own interface.  Its reads and writes are the transaction's results, by which it is judged when it is in a block.

import (
	"bytes"
	"encoding/json"
	"errors"
	"sort"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A row of a private collection has the collection's name before its own, and what stands in public of it is its hash.
const private = "\x00"

type row struct {
	Value   []byte
	Version uint64 // block and place of who wrote it
}

type write struct {
	Key    string
	Value  []byte // of a private row: its hash
	IsGone bool
}

// results of a transaction: what the endorsers sign.
type results struct {
	Reads  map[string]uint64
	Writes []write
}

type stub struct {
	shim.ChaincodeStubInterface // what the contract does not use is not there
	rows                        map[string]row
	parts                       map[string][]byte
	made                        *call
	found                       results
	written                     map[string]write
	own                         map[string][]byte // private rows in clear
	event                       *peer.ChaincodeEvent
}

func newStub(rows map[string]row, parts map[string][]byte, made *call) *stub {
	return &stub{rows: rows, parts: parts, made: made, found: results{Reads: map[string]uint64{}}, written: map[string]write{}, own: map[string][]byte{}}
}

func hidden(collection, key string) string { return private + collection + private + key }

func (s *stub) GetArgs() [][]byte                        { return s.made.args }
func (s *stub) GetCreator() ([]byte, error)              { return s.made.signature.Creator, nil }
func (s *stub) GetTransient() (map[string][]byte, error) { return s.made.payload.TransientMap, nil }
func (s *stub) GetSignedProposal() (*peer.SignedProposal, error) {
	return &peer.SignedProposal{ProposalBytes: encoded(&peer.Proposal{Header: encoded(&s.made.header), Payload: encoded(&s.made.payload)})}, nil
}
func (s *stub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	return s.made.channel.Timestamp, nil
}
func (s *stub) StartWriteBatch()        {}
func (s *stub) FinishWriteBatch() error { return nil }

func (s *stub) GetState(key string) ([]byte, error) {
	found := s.rows[key]
	s.found.Reads[key] = found.Version
	return found.Value, nil
}

func (s *stub) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i], _ = s.GetState(key)
	}
	return values, nil
}

func (s *stub) put(key string, value []byte, isGone bool) {
	s.written[key] = write{key, value, isGone}
}

func (s *stub) PutState(key string, value []byte) error {
	if key == "" || len(value) == 0 {
		return errors.New("a row without a name or a value")
	}
	s.put(key, value, false)
	return nil
}

func (s *stub) DelState(key string) error {
	s.put(key, nil, true)
	return nil
}

func (s *stub) PutPrivateData(collection, key string, value []byte) error {
	s.put(hidden(collection, key), hashed(value), false)
	s.own[hidden(collection, key)] = value
	return nil
}

func (s *stub) PurgePrivateData(collection, key string) error {
	delete(s.own, hidden(collection, key))
	s.put(hidden(collection, key), nil, true)
	return nil
}

func (s *stub) GetPrivateDataHash(collection, key string) ([]byte, error) {
	return s.GetState(hidden(collection, key))
}

func (s *stub) GetMultiplePrivateData(collection string, keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = s.parts[hidden(collection, key)]
	}
	return values, nil
}

func (s *stub) SetEvent(name string, payload []byte) error {
	s.event = &peer.ChaincodeEvent{ChaincodeId: s.made.chaincode, TxId: s.made.channel.TxId, EventName: name, Payload: payload}
	return nil
}

type inOrder struct{ rows []*queryresult.KV }

func (i *inOrder) HasNext() bool { return len(i.rows) > 0 }
func (i *inOrder) Close() error  { return nil }
func (i *inOrder) Next() (*queryresult.KV, error) {
	next := i.rows[0]
	i.rows = i.rows[1:]
	return next, nil
}

func (s *stub) GetStateByRange(from, to string) (shim.StateQueryIteratorInterface, error) {
	var found inOrder
	for key, one := range s.rows {
		if key >= from && key < to && !strings.HasPrefix(key, private) {
			found.rows = append(found.rows, &queryresult.KV{Key: key, Value: one.Value})
		}
	}
	sort.Slice(found.rows, func(i, j int) bool { return found.rows[i].Key < found.rows[j].Key })
	return &found, nil
}

func (s *stub) GetPrivateDataByRange(collection, from, to string) (shim.StateQueryIteratorInterface, error) {
	var found inOrder
	for key, value := range s.parts {
		name, is := strings.CutPrefix(key, hidden(collection, ""))
		if is && name >= from && name < to {
			found.rows = append(found.rows, &queryresult.KV{Key: name, Value: value})
		}
	}
	sort.Slice(found.rows, func(i, j int) bool { return found.rows[i].Key < found.rows[j].Key })
	return &found, nil
}

// results are the same bytes at every endorser.
func (s *stub) results() []byte {
	for _, one := range s.written {
		s.found.Writes = append(s.found.Writes, one)
	}
	sort.Slice(s.found.Writes, func(i, j int) bool { return s.found.Writes[i].Key < s.found.Writes[j].Key })
	out, err := json.Marshal(s.found)
	if err != nil {
		panic(err)
	}
	return out
}

// apply judges results by what was read, and does what they say.
func (r *results) apply(rows map[string]row, parts, own map[string][]byte, version uint64) peer.TxValidationCode {
	for key, read := range r.Reads {
		if rows[key].Version != read {
			return peer.TxValidationCode_MVCC_READ_CONFLICT
		}
	}
	for _, one := range r.Writes {
		if one.IsGone {
			delete(rows, one.Key)
			delete(parts, one.Key)
			continue
		}
		rows[one.Key] = row{one.Value, version}
		if clear, is := own[one.Key]; is && bytes.Equal(hashed(clear), one.Value) {
			parts[one.Key] = clear
		}
	}
	return peer.TxValidationCode_VALID
}
