// Package ledger is the contract as chaincode: it fetches the rows that the contract declares, and does the writes that the
// contract answers.  Each decision is made in C, by the same code as everywhere else; none is made here.
package ledger

/*
#include <stdlib.h>
#include "chaincode/hosted.h"
*/
import "C"

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
)

// descriptorKey is the host's own row: entry 0 of the network.  No row of the contract has such a key.
const descriptorKey = "descriptor"

// Chaincode answers these functions:
//
//	genesis DESCRIPTOR               once: makes the rows that a network begins with
//	register SUBMITTER SIGNATURE BATCH [CA]
//	                                 a batch, with its submitter's signature over it and the network; its private parts are "parts" of the
//	                                 transient map, one behind the other; CA is the certificate (DER) of the organisation that vouches for a
//	                                 lone registration, where it is not the descriptor's
//	rows KEY...                      the rows, for evaluation
//	range FROM TO                    the rows whose keys are in between, for evaluation
//	parts KEY...                     of each key that begins with p/: the part, or the hash of one that is not at hand, and its i row, for
//	                                 evaluation
//	leave                            the "letter" of the transient map: id (16 bytes), kind, then the letter: 1 the reply to the
//	                                 invitation of that id, 2 its answer; 3 the application of the organisation of that id.  409 when
//	                                 the invitation has its answer, or the organisation another application; 429 when the letters of
//	                                 that id, or those that the organisation of who signs may leave, are spent for today
//	left ID/KIND...                  the letters, for evaluation
//	applications FROM                ids in hex and letters by turns, 32 at most, from the id FROM on, for evaluation
//
// A list in an answer is: length in four bytes, then the bytes; the length ffffffff says that there is nothing.
//
// Clock is that of the organisation whose peer calls: whoever brings a batch says the time of his transaction, peers as Fabric sets
// them up believe him, and everything that a date begins or ends is judged at that time.  nil: the callers are tests that repeat
// what was recorded, or play a peer that looks at the time itself.
type Chaincode struct{ Clock func() time.Time }

// apartMax is how far the time of a transaction may be from this organisation's: what peers with TimeWindowCheck allow, too.
const apartMax = 15 * time.Minute

func init() {
	if !bool(C.hosted_begin()) {
		panic("the cryptography cannot be used here")
	}
}

// Init does nothing: a network begins with genesis.
func (Chaincode) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// Invoke runs one function; a panic would take every other transaction with it, so there is none on bad arguments.
func (c Chaincode) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	args := stub.GetArgs()
	if len(args) == 0 {
		return shim.Error("no function")
	}
	name, args := string(args[0]), args[1:]
	if transient, writes := writing[name]; writes {
		if err := errors.Join(c.isOfNow(stub), isPlain(stub, transient)); err != nil {
			return shim.Error(err.Error())
		}
	}
	switch {
	case name == "genesis" && len(args) == 1:
		return answer(genesis(stub, args[0]))
	case name == "register" && (len(args) == 3 || len(args) == 4):
		return Register(stub, args[0], args[1], args[2], slices.Concat(args[3:]...))
	case name == "rows":
		return answer(readRows(stub, args))
	case name == "range" && len(args) == 2:
		return answer(readRange(stub, string(args[0]), string(args[1])))
	case name == "parts":
		return answer(readParts(stub, args))
	case name == "leave" && len(args) == 0:
		return leave(stub)
	case name == "left":
		return answer(readLetters(stub, args))
	case name == "applications" && len(args) == 1:
		return answer(readApplications(stub, string(args[0])))
	}
	return shim.Error("no such function, or another number of arguments: " + name)
}

// isOfNow is an error with the words of a peer's own filter, which clients know, when the time of the transaction is none of now.
func (c Chaincode) isOfNow(stub shim.ChaincodeStubInterface) error {
	if c.Clock == nil {
		return nil
	}
	made, err := stub.GetTxTimestamp()
	if err != nil {
		return err
	}
	if apart := c.Clock().Sub(made.AsTime()); apart > apartMax || apart < -apartMax {
		return fmt.Errorf("refused due to incorrect timestamp: the transaction is %s from the clock here", apart.Round(time.Second))
	}
	return nil
}

// writing has the functions whose transactions are for blocks, each with what may be in its transient map.
var writing = map[string]string{"register": "parts", "leave": "letter"}

// isPlain refuses a proposal that carries more than its arguments, its private parts and what the contract counts beside them for each
// (EMR_QUOTA_BESIDE): padding in a header, in the map, or between.  It also refuses one whose headers are written in another way than Fabric's own types write them.  Endorsers sign one hash of both
// headers and the arguments, one behind the other, and not where each ends: of other ones, whoever has the endorsements can put fields of
// one header into the other, and blocks then show another time than the one that was judged by.
func isPlain(stub shim.ChaincodeStubInterface, transient string) error {
	signed, err := stub.GetSignedProposal()
	if err != nil {
		return err
	}
	var proposal peer.Proposal
	var header common.Header
	if err := errors.Join(proto.Unmarshal(signed.GetProposalBytes(), &proposal), proto.Unmarshal(proposal.Header, &header)); err != nil {
		return err
	}
	carried, err := stub.GetTransient()
	if err != nil {
		return err
	}
	meant := len(carried[transient])
	for _, arg := range stub.GetArgs() {
		meant += len(arg)
	}
	if len(signed.GetProposalBytes())-meant > C.EMR_QUOTA_BESIDE {
		return fmt.Errorf("the proposal carries %d bytes beside what it is for", len(signed.GetProposalBytes())-meant)
	}
	return errors.Join(isAsWritten(header.ChannelHeader, &common.ChannelHeader{}),
		isAsWritten(header.SignatureHeader, &common.SignatureHeader{}))
}

func isAsWritten(written []byte, as proto.Message) error {
	if err := proto.Unmarshal(written, as); err != nil {
		return err
	}
	plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(as)
	if err != nil || len(as.ProtoReflect().GetUnknown()) > 0 || !bytes.Equal(plain, written) {
		return errors.New("the headers of the proposal are written in another way than Fabric writes them")
	}
	return nil
}

func answer(payload []byte, err error) *peer.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

// ---- A batch ----

// Run is one batch on its way through the contract.  Free it.
type Run struct{ c *C.hosted }

// NewRun takes a whole batch: header, items, private parts.
func NewRun(batch []byte) (*Run, error) {
	c := C.hosted_new(bytesAt(batch), C.size_t(len(batch)))
	if c == nil {
		return nil, errors.New("no memory")
	}
	return &Run{c}, nil
}

// Free ends the run.
func (r *Run) Free() { C.hosted_free(r.c) }

// PublicLen says how many bytes of the batch are header and items.
func (r *Run) PublicLen() int { return int(C.hosted_public_len(r.c)) }

// Caller says for which network and by whom; host is 0 for the embedded ledger, 1 for Fabric.
func (r *Run) Caller(host int, netID, submitterID []byte) error {
	if len(netID) != 16 || len(submitterID) != 32 {
		return errors.New("an id has another length")
	}
	C.hosted_caller(r.c, C.int(host), bytesAt(netID), bytesAt(submitterID))
	return nil
}

// Replay repeats what another host said when the batch was recorded.
func (r *Run) Replay(seen int, recorded []byte) error {
	C.hosted_seen(r.c, C.int(seen))
	if recorded == nil {
		return nil
	}
	return failed(C.hosted_recorded(r.c, bytesAt(recorded), C.size_t(len(recorded))))
}

// Certificate says what a certificate contains that another host has verified.
func (r *Run) Certificate(ref, org, enrolment []byte, roles uint16, notAfter uint64, alg byte, key []byte) error {
	if len(enrolment) == 0 {
		enrolment = make([]byte, 32)
	}
	if len(ref) != 32 || len(org) != 16 || len(enrolment) != 32 {
		return errors.New("an id has another length")
	}
	return failed(C.hosted_cert(r.c, bytesAt(ref), bytesAt(org), bytesAt(enrolment), C.uint16_t(roles), C.uint64_t(notAfter),
		C.uint8_t(alg), bytesAt(key), C.size_t(len(key))))
}

// Rows is where rows are read.
type Rows interface {
	GetMultipleStates(keys ...string) ([][]byte, error)
	GetPrivateDataHash(collection, key string) ([]byte, error)
}

// State is where a batch is judged.  PartHash answers a key that begins with p/: the priv_hash of the item that put a part there,
// nil when none did or the part was purged.
type State interface {
	Rows
	Writes
	PartHash(key string) ([]byte, error)
	SetEvent(name string, payload []byte) error
}

// Writes is where rows and parts are written.
type Writes interface {
	PutState(key string, value []byte) error
	DelState(key string) error
	PutPrivateData(collection, key string, value []byte) error
	PurgePrivateData(collection, key string) error
	StartWriteBatch()
	FinishWriteBatch() error
}

// Judge fetches what the contract declares, in two reads, and does what it answers.
func (r *Run) Judge(state State, now uint64) *peer.Response {
	for pass := 1; pass <= 2; pass++ {
		if err := failed(C.hosted_keys(r.c, C.int(pass))); err != nil {
			return shim.Error(err.Error())
		}
		if err := r.fetch(state); err != nil {
			return shim.Error(err.Error())
		}
	}
	if err := failed(C.hosted_judge(r.c, C.uint64_t(now))); err != nil {
		return shim.Error(err.Error())
	}
	outcome := C.hosted_outcome(r.c)
	payload := append([]byte{byte(outcome.kind)}, spanOf(outcome.results)...)
	switch outcome.kind {
	case C.EMR_OUTCOME_REFUSED:
		code := C.uint8_t(outcome.refusal)
		return &peer.Response{Status: shim.ERRORTHRESHOLD, Payload: append(payload, byte(code)),
			Message: fmt.Sprintf("refused %d: %s", code, C.GoString(C.emr_result_text(code)))}
	case C.EMR_OUTCOME_APPLIED:
		if err := write(state, outcome); err != nil {
			return shim.Error(err.Error())
		}
		id := C.GoBytes(unsafe.Pointer(&outcome.batch_id[0]), 32)
		if err := state.SetEvent("batch", append(id, spanOf(outcome.results)...)); err != nil {
			return shim.Error(err.Error())
		}
	}
	return shim.Success(payload)
}

func (r *Run) fetch(state State) error {
	var keys []string
	var places []C.size_t
	for i := C.size_t(0); i < C.hosted_keys_count(r.c); i++ {
		key := C.GoString(C.hosted_key(r.c, i))
		if !strings.HasPrefix(key, "p/") {
			keys, places = append(keys, key), append(places, i)
			continue
		}
		hash, err := state.PartHash(key)
		if err != nil {
			return err
		}
		if err := r.give(i, hash); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	values, err := state.GetMultipleStates(keys...)
	if err != nil {
		return err
	}
	for i, value := range values {
		if err := r.give(places[i], value); err != nil {
			return fmt.Errorf("%s: %w", keys[i], err)
		}
	}
	return nil
}

// No stored row is empty: an empty one is an absent one, by whatever name the shim calls it.
func (r *Run) give(i C.size_t, value []byte) error {
	if len(value) == 0 {
		value = nil
	}
	return failed(C.hosted_give(r.c, i, bytesAt(value), C.size_t(len(value))))
}

type onFabric struct{ shim.ChaincodeStubInterface }

func (f onFabric) PartHash(key string) ([]byte, error) { return PartHash(f, key) }

// PartHash finds what a key of a part asks for.  Once the part was purged, Fabric holds no hash of it either.
func PartHash(rows Rows, key string) ([]byte, error) {
	ckey := C.CString(key)
	defer C.free(unsafe.Pointer(ckey))
	held, err := rows.GetPrivateDataHash(Collection(key), key)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	var found C.emr_key_text
	C.hosted_place_key(ckey, &found)
	place, err := readOne(rows, textOf(&found))
	if err != nil || len(place) == 0 {
		return nil, err
	}
	if !bool(C.hosted_batch_key(bytesAt(place), C.size_t(len(place)), &found)) {
		return nil, fmt.Errorf("%s: its i row cannot be", key)
	}
	batch, err := readOne(rows, textOf(&found))
	if err != nil {
		return nil, err
	}
	hash := make([]byte, 32)
	return hash, failed(C.hosted_part_hash(bytesAt(place), C.size_t(len(place)), bytesAt(batch), C.size_t(len(batch)), bytesAt(hash)))
}

func readOne(rows Rows, key string) ([]byte, error) {
	values, err := rows.GetMultipleStates(key)
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

func write(state Writes, outcome *C.emr_outcome) error {
	state.StartWriteBatch()
	for i := range unsafe.Slice(outcome.writes, outcome.writes_count) {
		w := &unsafe.Slice(outcome.writes, outcome.writes_count)[i]
		key := C.GoString(w.key)
		var err error
		switch w.kind {
		case C.EMR_WRITE_PUT:
			err = state.PutState(key, Stored(spanOf(w.value)))
		case C.EMR_WRITE_PUT_PART:
			err = state.PutPrivateData(Collection(key), key, spanOf(w.value))
		case C.EMR_WRITE_PURGE_PARTS:
			err = purge(state, w)
		default:
			err = fmt.Errorf("a write of kind %d", w.kind)
		}
		if err != nil {
			return err
		}
	}
	return state.FinishWriteBatch()
}

func purge(state Writes, w *C.emr_write) error {
	for version := w.first_version; version <= w.last_version; version++ {
		var key C.emr_key_text
		C.emr_write_part_key(w, version, &key)
		if err := state.PurgePrivateData(Collection(textOf(&key)), textOf(&key)); err != nil {
			return err
		}
	}
	return nil
}

// Collection names the collection in which the part of a key that begins with p/ lies.
func Collection(key string) string {
	ckey := C.CString(key)
	defer C.free(unsafe.Pointer(ckey))
	return C.GoString(C.hosted_collection(ckey))
}

// Stored is a row as it lies in Fabric's state, which has no empty values.
func Stored(value []byte) []byte {
	if len(value) == 0 {
		return []byte{C.HOSTED_EMPTY}
	}
	return value
}

// ---- Functions ----

// Register judges the batch that the submitter has signed, at the transaction's time, whoever made that; authority is the CA that comes along.
func Register(stub shim.ChaincodeStubInterface, submitterID, signature, batch, authority []byte) *peer.Response {
	transient, err := stub.GetTransient()
	if err != nil {
		return shim.Error(err.Error())
	}
	run, err := NewRun(append(append([]byte{}, batch...), transient["parts"]...))
	if err != nil {
		return shim.Error(err.Error())
	}
	defer run.Free()
	// A reader of blocks has this argument and nothing else: it is header and items, and they are all there.
	if run.PublicLen() != len(batch) {
		return shim.Error("the batch is not header and items, with its private parts beside them")
	}
	if len(signature) != signatureBytes {
		return shim.Error("the submitter's signature has another length")
	}
	time, err := stub.GetTxTimestamp()
	if err != nil {
		return shim.Error(err.Error())
	}
	if time.GetSeconds() < 0 {
		return shim.Error("the transaction is older than 1970")
	}
	now := uint64(time.GetSeconds())
	descriptor, err := stub.GetState(descriptorKey)
	if err != nil {
		return shim.Error(err.Error())
	}
	if len(descriptor) == 0 {
		return shim.Error("this network has not begun: genesis comes first")
	}
	if err := run.Caller(C.EMR_HOST_FABRIC, netOf(descriptor), submitterID); err != nil {
		return shim.Error(err.Error())
	}
	if err := run.handedIn(stub, descriptor, signature, authority, now); err != nil {
		return shim.Error(err.Error())
	}
	return run.Judge(onFabric{stub}, now)
}

const signatureBytes = 64

func netOf(descriptor []byte) []byte {
	netID := make([]byte, 16)
	C.emr_descriptor_net_id(span(descriptor), bytesAt(netID))
	return netID
}

// handedIn looks whether the signature is the submitter's; of a lone registration the certificate in its part is verified by the one
// organisation that vouches for it.
func (r *Run) handedIn(rows Rows, descriptor, signature, authority []byte, now uint64) error {
	var submitter, signer, org C.emr_key_text
	C.hosted_submitter(r.c, &submitter)
	C.hosted_signer(r.c, &signer)
	keys, err := rows.GetMultipleStates(textOf(&submitter), textOf(&signer))
	if err != nil || !bool(C.hosted_is_handed_in(r.c, bytesAt(signature), span(keys[0]))) {
		return err
	}
	if !bool(C.hosted_org_of(r.c, span(keys[1]), &org)) {
		return nil
	}
	row, err := readOne(rows, textOf(&org))
	if err != nil {
		return err
	}
	return failed(C.hosted_certificate(r.c, span(descriptor), span(authority), span(keys[1]), span(row), C.uint64_t(now)))
}

// creatorOf is who made the transaction, as the peer has found.
func creatorOf(stub shim.ChaincodeStubInterface) (*msp.SerializedIdentity, error) {
	identity := &msp.SerializedIdentity{}
	creator, err := stub.GetCreator()
	if err != nil {
		return nil, err
	}
	return identity, proto.Unmarshal(creator, identity)
}

func genesis(stub shim.ChaincodeStubInterface, descriptor []byte) ([]byte, error) {
	old, err := stub.GetState(descriptorKey)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 {
		return nil, errors.New("this network has begun already")
	}
	run := C.hosted_genesis(bytesAt(descriptor), C.size_t(len(descriptor)))
	if run == nil {
		return nil, errors.New("not a network descriptor")
	}
	defer C.hosted_free(run)
	if err := stub.PutState(descriptorKey, descriptor); err != nil {
		return nil, err
	}
	return nil, write(stub, C.hosted_outcome(run))
}

func readRows(stub shim.ChaincodeStubInterface, keys [][]byte) ([]byte, error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = string(key)
	}
	values, err := stub.GetMultipleStates(names...)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, value := range values {
		out = AppendValue(out, value)
	}
	return out, nil
}

func readRange(stub shim.ChaincodeStubInterface, from, to string) ([]byte, error) {
	rows, err := stub.GetStateByRange(from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []byte
	for rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return nil, err
		}
		out = AppendValue(AppendValue(out, []byte(row.Key)), row.Value)
	}
	return out, nil
}

// An empty part is no answer: with its hash there it has not come yet, with its i row alone it was purged.  Fabric gives hashes one by
// one, so they are asked of empty parts alone.
func readParts(stub shim.ChaincodeStubInterface, keys [][]byte) ([]byte, error) {
	parts, places := make([][]byte, len(keys)), make([]string, len(keys))
	within := map[string][]int{}
	for i, key := range keys {
		var place C.emr_key_text
		ckey := C.CString(string(key))
		C.hosted_place_key(ckey, &place)
		C.free(unsafe.Pointer(ckey))
		places[i] = textOf(&place)
		within[Collection(string(key))] = append(within[Collection(string(key))], i)
	}
	rows, err := stub.GetMultipleStates(places...)
	if err != nil {
		return nil, err
	}
	for collection, those := range within {
		names := make([]string, len(those))
		for j, i := range those {
			names[j] = string(keys[i])
		}
		found, err := stub.GetMultiplePrivateData(collection, names...)
		if err != nil {
			return nil, err
		}
		for j, i := range those {
			parts[i] = found[j]
		}
	}
	var out []byte
	for i, key := range keys {
		var hash []byte
		if len(parts[i]) == 0 {
			if hash, err = stub.GetPrivateDataHash(Collection(string(key)), string(key)); err != nil {
				return nil, err
			}
		}
		out = AppendValue(AppendValue(AppendValue(out, parts[i]), hash), rows[i])
	}
	return out, nil
}

// ---- Letters of those who have no key on the ledger yet ----

const (
	letterCollection = "mail"
	letterHead       = 16 + 1
	letterMax        = letterHead + 12288
	replyKind        = 1
	answerKind       = 2
	applicationKind  = 3
	taken            = 409
	spent            = 429
	applicationPlace = "application/"
	applicationsMax  = 32 // in one answer
)

func letterKey(place string) string { return "letter/" + place }

// leave keeps a reply until it is answered; the answer is the last, and so is an application.
func leave(stub shim.ChaincodeStubInterface) *peer.Response {
	transient, err := stub.GetTransient()
	if err != nil {
		return shim.Error(err.Error())
	}
	letter := transient["letter"]
	if len(letter) <= letterHead || len(letter) > letterMax || letter[16] < replyKind || letter[16] > applicationKind {
		return shim.Error("no letter")
	}
	if full, err := countLetter(stub, letter[:16]); err != nil {
		return shim.Error(err.Error())
	} else if full {
		return &peer.Response{Status: spent, Message: "the letters of this id, or of this organisation, are spent for this day of UTC"}
	}
	id := hex.EncodeToString(letter[:16])
	if letter[16] == applicationKind {
		return apply(stub, applicationPlace+id, letter[letterHead:])
	}
	held, err := stub.GetPrivateDataHash(letterCollection, letterKey(fmt.Sprintf("%s/%d", id, answerKind)))
	if err != nil {
		return shim.Error(err.Error())
	}
	if len(held) > 0 {
		return &peer.Response{Status: taken, Message: "the invitation has its answer"}
	}
	if err := stub.PutPrivateData(letterCollection, letterKey(fmt.Sprintf("%s/%d", id, letter[16])), letter[letterHead:]); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(nil)
}

// countLetter is true when the letters of that id, or those of the organisation of who made the transaction, are spent for today.
func countLetter(stub shim.ChaincodeStubInterface, id []byte) (bool, error) {
	who, err := creatorOf(stub)
	if err != nil {
		return false, err
	}
	made, err := stub.GetTxTimestamp()
	if err != nil {
		return false, err
	}
	name := C.CString(who.Mspid)
	defer C.free(unsafe.Pointer(name))
	var keys [2]C.emr_key_text
	C.hosted_letters_keys(bytesAt(id), name, &keys[0])
	rows, err := stub.GetMultipleStates(textOf(&keys[0]), textOf(&keys[1]))
	if err != nil {
		return false, err
	}
	for i, row := range rows {
		var fits C.bool
		counted := make([]byte, C.EMR_ROW_QUOTA_BYTES)
		if err := failed(C.hosted_letters_take(bytesAt(row), C.size_t(len(row)), C.bool(i == 1), C.uint64_t(made.GetSeconds()), &fits,
			bytesAt(counted))); err != nil || !bool(fits) {
			return err == nil, err
		}
		if err := stub.PutState(textOf(&keys[i]), counted); err != nil {
			return false, err
		}
	}
	return false, nil
}

// apply keeps the first that comes: what was shown to members is not exchanged behind their backs.
func apply(stub shim.ChaincodeStubInterface, key string, letter []byte) *peer.Response {
	held, err := stub.GetPrivateDataHash(letterCollection, key)
	if err != nil {
		return shim.Error(err.Error())
	}
	own := sha256.Sum256(letter)
	if len(held) > 0 && !bytes.Equal(held, own[:]) {
		return &peer.Response{Status: taken, Message: "the organisation has another application"}
	}
	if err := stub.PutPrivateData(letterCollection, key, letter); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(nil)
}

func readApplications(stub shim.ChaincodeStubInterface, from string) ([]byte, error) {
	rows, err := stub.GetPrivateDataByRange(letterCollection, applicationPlace+from, applicationPlace+"~")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []byte
	for n := 0; n < applicationsMax && rows.HasNext(); n++ {
		row, err := rows.Next()
		if err != nil {
			return nil, err
		}
		out = AppendValue(AppendValue(out, []byte(strings.TrimPrefix(row.Key, applicationPlace))), row.Value)
	}
	return out, nil
}

func readLetters(stub shim.ChaincodeStubInterface, places [][]byte) ([]byte, error) {
	var out []byte
	for _, place := range places {
		found, err := stub.GetMultiplePrivateData(letterCollection, letterKey(string(place)))
		if err != nil {
			return nil, err
		}
		out = AppendValue(out, found[0])
	}
	return out, nil
}

// AppendValue adds a value as it lies in Fabric's state to a list.
func AppendValue(list, value []byte) []byte {
	if len(value) == 0 {
		return append(list, 0xff, 0xff, 0xff, 0xff)
	}
	if len(value) == 1 && value[0] == C.HOSTED_EMPTY {
		value = nil
	}
	return append(binary.BigEndian.AppendUint32(list, uint32(len(value))), value...)
}

// ---- Between Go and C ----

func failed(status C.emr_contract_status) error {
	if status == C.EMR_CONTRACT_OK {
		return nil
	}
	return errors.New(C.GoString(C.emr_contract_status_text(status)))
}

// bytesAt is nil for no bytes; C copies before the call ends, and never keeps the pointer.
func bytesAt(bytes []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(bytes)) }

// span is for one call, as bytesAt.
func span(bytes []byte) C.emr_span {
	return C.emr_span{data: bytesAt(bytes), len: C.size_t(len(bytes))}
}

func spanOf(span C.emr_span) []byte {
	return C.GoBytes(unsafe.Pointer(span.data), C.int(span.len))
}

func textOf(key *C.emr_key_text) string { return C.GoString(&key.text[0]) }
