package ledger

// The ledger of a network that began in a directory goes on in a channel: its entries are brought here one after the other, each judged as
// the copies of members judge it, until the one that says where it goes on, which is the last.  Then the state is what the directory's is, row
// by row, and register begins.
//
//	ENTRY  its bytes, with its submitter's signature over its batch
//	ITEMS  its items with their public parts
//	CA     of a lone registration that of the organisation that vouches for it, where the descriptor has another one, else nothing
//
// The private parts of all items are "parts" of the transient map: a list with one value for each item, nothing where the directory has none.

/*
#include <stdlib.h>
#include "chaincode/hosted.h"
*/
import "C"

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Rows of the host's own: how far the ledger has come (number of entries, hash of the newest), the hash of each entry, and what was lacking
// where it came from.  No row of the contract has such a key.
const (
	movedKey   = "moved"
	channelKey = "NC" // the contract's: the directory's last entry has written it
	movedMax   = 64   // entries in one transaction; whoever reads blocks counts on it
)

// leafKey has the hash of an entry, for those whose signers had seen it.
func leafKey(seq uint64) string { return fmt.Sprintf("moved/%016x", seq) }

// lackingKey marks the part that an entry expects, that nothing has purged, and that the directory had not got.
func lackingKey(partKey string) string { return "lacking/" + partKey }

// isHere refuses batches of a network that began in a directory, while its ledger is not whole here.
func isHere(stub shim.ChaincodeStubInterface) error {
	rows, err := stub.GetMultipleStates(descriptorKey, channelKey)
	if err != nil {
		return err
	}
	if len(rows[0]) > 0 && isOfDirectory(rows[0]) && len(rows[1]) == 0 {
		return errors.New("the ledger of this network's directory has not moved here")
	}
	return nil
}

func isOfDirectory(descriptor []byte) bool {
	return bool(C.hosted_is_of_directory(bytesAt(descriptor), C.size_t(len(descriptor))))
}

// moving is the state as the entries before have left it, and holds back what they write: the shim does not see its own writes.
type moving struct {
	shim.ChaincodeStubInterface
	rows  map[string][]byte // nil: gone
	parts map[[2]string][]byte
}

func (m *moving) GetState(key string) ([]byte, error) {
	if value, isMade := m.rows[key]; isMade {
		return value, nil
	}
	return m.ChaincodeStubInterface.GetState(key)
}

func (m *moving) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	var names []string
	var places []int
	for i, key := range keys {
		if value, isMade := m.rows[key]; isMade {
			values[i] = value
		} else {
			names, places = append(names, key), append(places, i)
		}
	}
	found, err := m.ChaincodeStubInterface.GetMultipleStates(names...)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		values[place] = found[i]
	}
	return values, nil
}

func (m *moving) GetPrivateDataHash(collection, key string) ([]byte, error) {
	if part, isMade := m.parts[[2]string{collection, key}]; isMade {
		if part == nil {
			return nil, nil
		}
		hash := sha256.Sum256(part)
		return hash[:], nil
	}
	return m.ChaincodeStubInterface.GetPrivateDataHash(collection, key)
}

func (m *moving) PartHash(key string) ([]byte, error) { return PartHash(m, key) }

func (m *moving) PutState(key string, value []byte) error { m.rows[key] = value; return nil }
func (m *moving) DelState(key string) error               { m.rows[key] = nil; return nil }
func (m *moving) PutPrivateData(collection, key string, value []byte) error {
	m.parts[[2]string{collection, key}] = value
	return nil
}
func (m *moving) PurgePrivateData(collection, key string) error {
	m.parts[[2]string{collection, key}] = nil
	return nil
}
func (m *moving) SetEvent(string, []byte) error { return nil }
func (m *moving) StartWriteBatch()              {}
func (m *moving) FinishWriteBatch() error       { return nil }

// flush does the writes in one order, so that every endorser comes to the same.
func (m *moving) flush() error {
	stub := m.ChaincodeStubInterface
	stub.StartWriteBatch()
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		err := stub.DelState(key)
		if value := m.rows[key]; value != nil {
			err = stub.PutState(key, value)
		}
		if err != nil {
			return err
		}
	}
	order := func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }
	for _, key := range slices.SortedFunc(maps.Keys(m.parts), order) {
		err := error(nil)
		if part := m.parts[key]; part != nil {
			err = stub.PutPrivateData(key[0], key[1], part)
		} else {
			err = stub.PurgePrivateData(key[0], key[1])
		}
		if err != nil {
			return err
		}
	}
	return stub.FinishWriteBatch()
}

// move asks nobody who he is: what is brought is what was in the directory, or it is refused.
func move(stub shim.ChaincodeStubInterface, args [][]byte) ([]byte, error) {
	m := &moving{stub, map[string][]byte{}, map[[2]string][]byte{}}
	descriptor, err := m.GetState(descriptorKey)
	if err != nil {
		return nil, err
	}
	if len(descriptor) == 0 || !isOfDirectory(descriptor) {
		return nil, errors.New("no network that began in a directory has begun here")
	}
	transient, err := stub.GetTransient()
	if err != nil {
		return nil, err
	}
	parts := transient["parts"]
	for i := 0; i < len(args); i += 3 {
		if parts, err = m.take(descriptor, args[i], args[i+1], args[i+2], parts); err != nil {
			return nil, err
		}
	}
	if len(parts) > 0 {
		return nil, errors.New("there are more parts than items")
	}
	return []byte{C.EMR_OUTCOME_APPLIED}, m.flush()
}

// end is how many entries are here, and the hash of the newest.
func (m *moving) end(descriptor []byte) (uint64, []byte, error) {
	rows, err := m.GetMultipleStates(movedKey, channelKey)
	if err != nil {
		return 0, nil, err
	}
	if len(rows[1]) > 0 {
		return 0, nil, errors.New("the ledger has moved here: nothing comes behind its last entry")
	}
	if len(rows[0]) == 40 {
		return binary.BigEndian.Uint64(rows[0]), rows[0][8:], nil
	}
	leaf := make([]byte, 32)
	C.hosted_moved_leaf(bytesAt(descriptor), C.size_t(len(descriptor)), bytesAt(leaf))
	return 1, leaf, nil
}

// take judges one entry; the parts behind its own are left.
func (m *moving) take(descriptor, entry, items, authority, parts []byte) ([]byte, error) {
	if len(entry) < 8 {
		return nil, errors.New("no entry of a directory")
	}
	own, rest, err := cutList(parts, int(binary.BigEndian.Uint16(entry[6:])))
	if err != nil {
		return nil, err
	}
	seq, leaf, err := m.end(descriptor)
	if err != nil {
		return nil, err
	}
	c := newMoved(descriptor, entry, items, own)
	if c == nil {
		return nil, fmt.Errorf("entry %d: no entry of a directory", seq)
	}
	run := &Run{c}
	defer run.Free()
	if !bool(C.hosted_moved_follows(c, C.uint64_t(seq), bytesAt(leaf))) {
		return nil, fmt.Errorf("entry %d: it does not follow the one before", seq)
	}
	if err := errors.Join(m.checkSeen(run), m.judge(run, descriptor, authority)); err != nil {
		return nil, fmt.Errorf("entry %d: %w", seq, err)
	}
	next := make([]byte, 40)
	binary.BigEndian.PutUint64(next, seq+1)
	C.hosted_moved_leaf(bytesAt(entry), C.size_t(len(entry)), bytesAt(next[8:]))
	m.rows[movedKey], m.rows[leafKey(seq)] = next, next[8:]
	return rest, nil
}

// checkSeen: a batch that was signed behind one history stands in no other, as in the directory.  Number, predecessor and time of an entry
// nobody has signed, so this is what binds those who bring it to the order that there was.
func (m *moving) checkSeen(run *Run) error {
	leaf := make([]byte, 32)
	seq := uint64(C.hosted_moved_seen(run.c, bytesAt(leaf)))
	if seq == 0 {
		return nil
	}
	if seen, err := m.GetState(leafKey(seq)); err != nil || !bytes.Equal(seen, leaf) {
		return errors.Join(errors.New("its signer has seen another history of the ledger"), err)
	}
	return nil
}

func newMoved(descriptor, entry, items, parts []byte) *C.hosted {
	from := C.hosted_entry{entry: (*C.uint8_t)(C.CBytes(entry)), entry_len: C.size_t(len(entry)), items: (*C.uint8_t)(C.CBytes(items)),
		items_len: C.size_t(len(items)), parts: (*C.uint8_t)(C.CBytes(parts)), parts_len: C.size_t(len(parts))}
	defer func() {
		C.free(unsafe.Pointer(from.entry))
		C.free(unsafe.Pointer(from.items))
		C.free(unsafe.Pointer(from.parts))
	}()
	return C.hosted_moved(&from, bytesAt(netOf(descriptor)))
}

func (m *moving) judge(run *Run, descriptor, authority []byte) error {
	signature := C.GoBytes(unsafe.Pointer(C.hosted_moved_signature(run.c)), signatureBytes)
	if is, err := run.handedIn(m, descriptor, signature, authority, uint64(C.hosted_moved_time(run.c))); err != nil || !is {
		return errors.Join(errors.New("the submitter's signature is wrong"), err)
	}
	if response := run.Judge(m, uint64(C.hosted_moved_time(run.c))); response.Status != shim.OK {
		return errors.New("it should not have an entry: " + response.Message)
	}
	if !bool(C.hosted_moved_is_recorded(run.c)) {
		return errors.New("the results are not what the contract gives")
	}
	var key C.emr_key_text
	for i := C.size_t(0); i < C.hosted_moved_count(run.c); i++ {
		if bool(C.hosted_moved_lacks(run.c, i, &key)) {
			m.rows[lackingKey(textOf(&key))] = []byte{1}
		}
	}
	return nil
}

// cutList takes the first COUNT values off a list.
func cutList(list []byte, count int) ([]byte, []byte, error) {
	at := 0
	for range count {
		if len(list)-at < 4 {
			return nil, nil, errors.New("there are fewer parts than items")
		}
		length := binary.BigEndian.Uint32(list[at:])
		at += 4
		if length == C.HOSTED_NOTHING {
			continue
		}
		if uint64(length) > uint64(len(list)-at) {
			return nil, nil, errors.New("the parts are no list")
		}
		at += int(length)
	}
	return list[:at], list[at:], nil
}
