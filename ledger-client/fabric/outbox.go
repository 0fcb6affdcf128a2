package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"
)

const (
	waitingMax   = 10000
	waitingBytes = 4 << 30
	keptFor      = 7 * 24 * time.Hour
)

// The states of a transaction that was handed in.
const (
	waiting  = "waiting"
	entered  = "entered"
	answered = "answered"
	refused  = "refused"
)

// outbox keeps what was handed in, from before anything is sent until some days after it has ended. Each change is on the disk (fsync)
// before it counts, so a kill at any moment leaves a transaction where it was or a step further.
//
//	r/ID   the record     c/ID   its content     e/ID   its signed envelope     x/TIME/ID   when it ended
type outbox struct {
	db *leveldb.DB

	mu         sync.Mutex
	waiting    map[string]*record
	byEnvelope map[[32]byte]*record
	seq        uint64
	bytes      int
}

// record is one transaction that was handed in; what no caller sees has no name in its JSON but in kept.
type record struct {
	kept
	said  string
	tries int
	moved chan struct{} // closed when it has ended, or when its envelope is gone
}

type kept struct {
	ID, Line, State, Transaction, Said string
	Seq, Block, Index                  uint64
	Digest, Answer                     []byte
	Size                               int
	Validity, Status                   int32
	Since, Ended                       int64
	From                               uint64 // how many blocks there were when its envelope was kept: none of them has it
	Until                              int64  // when the certificate in its envelope ends
}

// content is what the contract is called with.
type content struct {
	Function  string
	Args      [][]byte
	Transient map[string][]byte
}

var onDisk = &opt.WriteOptions{Sync: true}

func openOutbox(dir string) (*outbox, error) {
	db, err := leveldb.OpenFile(dir, nil)
	if err != nil {
		return nil, err
	}
	o := &outbox{db: db, waiting: map[string]*record{}, byEnvelope: map[[32]byte]*record{}}
	all := db.NewIterator(util.BytesPrefix([]byte("r/")), nil)
	defer all.Release()
	for all.Next() && err == nil {
		r := &record{moved: make(chan struct{})}
		if err = json.Unmarshal(all.Value(), &r.kept); err != nil {
			break
		}
		o.seq = max(o.seq, r.Seq)
		if r.State == waiting {
			err = o.load(r)
		}
	}
	if err = errors.Join(err, all.Error()); err != nil {
		db.Close()
		return nil, err
	}
	return o, nil
}

func (o *outbox) load(r *record) error {
	o.waiting[r.ID] = r
	o.bytes += r.Size
	if r.Transaction == "" {
		return nil
	}
	prepared, err := o.db.Get([]byte("e/"+r.ID), nil)
	if err != nil {
		return err
	}
	hash, err := envelopeHash(prepared)
	o.byEnvelope[hash] = r
	return err
}

// put changes a record and what lies beside it in one step. nil takes away.
func (o *outbox) put(r *kept, beside map[string][]byte) error {
	batch := new(leveldb.Batch)
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	batch.Put([]byte("r/"+r.ID), value)
	for key, value := range beside {
		if value == nil {
			batch.Delete([]byte(key))
		} else {
			batch.Put([]byte(key), value)
		}
	}
	return o.db.Write(batch, onDisk)
}

// add keeps what is handed in; it is new where nobody works on it yet. A refusal that was no decision of the contract begins again.
func (o *outbox) add(id, line string, c *content) (r *record, isNew bool, err error) {
	bytesOf, err := json.Marshal(c)
	if err != nil {
		return nil, false, err
	}
	digest := sha256.Sum256(append([]byte(line+"\x00"), bytesOf...))
	o.mu.Lock()
	defer o.mu.Unlock()
	if r, err = o.get(id); err == nil {
		if !bytes.Equal(r.Digest, digest[:]) {
			return nil, false, errOther
		}
		if r.isDecided() {
			return r, false, nil
		}
	} else if !errors.Is(err, errUnknown) {
		return nil, false, err
	}
	if len(o.waiting) >= waitingMax || o.bytes+len(bytesOf) > waitingBytes {
		return nil, false, errFull
	}
	beside := map[string][]byte{"c/" + id: bytesOf}
	if r != nil {
		beside[endedKey(&r.kept)] = nil
	}
	r = &record{moved: make(chan struct{}), kept: kept{ID: id, Line: line, State: waiting, Seq: o.seq + 1, Digest: digest[:],
		Size: len(bytesOf), Since: time.Now().Unix()}}
	if err := o.put(&r.kept, beside); err != nil {
		return nil, false, err
	}
	o.seq++
	o.waiting[id] = r
	o.bytes += r.Size
	return r, true, nil
}

// isDecided is false of a refusal that was no decision of the contract, and of a transaction that a block has without effect.
func (k *kept) isDecided() bool {
	switch k.State {
	case refused:
		return k.Status != 0 && k.Status < 500
	case entered:
		return k.Validity == 0
	}
	return true
}

// get finds a record; the lock is held.
func (o *outbox) get(id string) (*record, error) {
	if r, ok := o.waiting[id]; ok {
		return r, nil
	}
	value, err := o.db.Get([]byte("r/"+id), nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil, errUnknown
	}
	r := &record{}
	if err == nil {
		err = json.Unmarshal(value, &r.kept)
	}
	return r, err
}

// look answers what is known, and what is closed when more is.
func (o *outbox) look(id string) (*record, <-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.get(id)
	if err != nil {
		return nil, nil, err
	}
	now := *r
	return &now, r.moved, nil
}

func (o *outbox) content(id string) (*content, error) {
	value, err := o.db.Get([]byte("c/"+id), nil)
	c := &content{}
	if err == nil {
		err = json.Unmarshal(value, c)
	}
	return c, err
}

func (o *outbox) envelope(id string) ([]byte, error) { return o.db.Get([]byte("e/"+id), nil) }

func (o *outbox) say(r *record, said string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r.said = said
	r.tries++
}

// prepared keeps an envelope before it is sent.
func (o *outbox) prepared(r *record, transaction string, envelope []byte, height uint64, until time.Time) error {
	hash, err := envelopeHash(envelope)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	next := r.kept
	next.Transaction, next.From, next.Until = transaction, height, until.Unix()
	if err := o.put(&next, map[string][]byte{"e/" + r.ID: envelope}); err != nil {
		return err
	}
	r.kept = next
	o.byEnvelope[hash] = r
	return nil
}

// endorseAgain lets a transaction be endorsed again: its envelope can have no effect any more.
func (o *outbox) endorseAgain(r *record, why string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.again(r, why)
}

func (o *outbox) again(r *record, why string) error {
	next := r.kept
	next.Transaction, next.From, next.Until = "", 0, 0
	if err := o.put(&next, map[string][]byte{"e/" + r.ID: nil}); err != nil {
		return err
	}
	r.kept, r.said = next, why
	o.move(r)
	return nil
}

// move tells those who wait for a record that its envelope counts no more.
func (o *outbox) move(r *record) {
	maps.DeleteFunc(o.byEnvelope, func(_ [32]byte, other *record) bool { return other == r })
	close(r.moved)
	r.moved = make(chan struct{})
}

// endWith ends a transaction with what set says.
func (o *outbox) endWith(r *record, set func(*kept)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end(r, set)
}

func (o *outbox) end(r *record, set func(*kept)) error {
	next := r.kept
	set(&next)
	next.Ended = time.Now().Unix()
	beside := map[string][]byte{"c/" + r.ID: nil, "e/" + r.ID: nil, endedKey(&next): {}}
	if err := o.put(&next, beside); err != nil {
		return err
	}
	r.kept = next
	o.bytes -= r.Size
	delete(o.waiting, r.ID)
	o.move(r)
	slog.Info("a transaction has ended", "id", r.ID, "state", r.State, "block", r.Block, "validity", r.Validity)
	return nil
}

func endedKey(r *kept) string {
	return string(binary.BigEndian.AppendUint64([]byte("x/"), uint64(r.Ended))) + "/" + r.ID
}

// mayGoAgain are the codes of a block for what had no effect and can be right when it is endorsed by the state of now.
var mayGoAgain = map[peer.TxValidationCode]bool{
	peer.TxValidationCode_MVCC_READ_CONFLICT: true, peer.TxValidationCode_PHANTOM_READ_CONFLICT: true,
	peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE: true, peer.TxValidationCode_DUPLICATE_TXID: true,
}

// saw ends what an agreed block has. Envelopes are compared whole: another one may show the same transaction id.
func (o *outbox) saw(block *common.Block) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.byEnvelope) == 0 {
		return nil
	}
	codes := codesOf(block)
	for i, data := range block.Data.Data {
		hash := sha256.Sum256(data)
		r := o.byEnvelope[hash]
		if r == nil || i >= len(codes) {
			continue
		}
		code, err := peer.TxValidationCode(codes[i]), error(nil)
		if mayGoAgain[code] {
			err = o.again(r, fmt.Sprintf("block %d had it without effect: %s", block.Header.Number, code))
		} else {
			err = o.end(r, func(k *kept) {
				k.State, k.Block, k.Index, k.Validity, k.Answer = entered, block.Header.Number, uint64(i), int32(code), answerIn(data)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// oldest is the first block that may have something that waits; ok is false where nothing was sent.
func (o *outbox) oldest() (from uint64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byEnvelope {
		if !ok || r.From < from {
			from, ok = r.From, true
		}
	}
	return from, ok
}

// inOrder is what waits, in the order in which it was handed in.
func (o *outbox) inOrder() []*record {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.SortedFunc(maps.Values(o.waiting), func(a, b *record) int { return cmp.Compare(a.Seq, b.Seq) })
}

func (o *outbox) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// forget takes away how old transactions ended.
func (o *outbox) forget(now time.Time) error {
	ended := o.db.NewIterator(util.BytesPrefix([]byte("x/")), nil)
	defer ended.Release()
	batch := new(leveldb.Batch)
	for ended.Next() {
		key := ended.Key()
		if len(key) < 11 || int64(binary.BigEndian.Uint64(key[2:10])) > now.Add(-keptFor).Unix() {
			break
		}
		batch.Delete(bytes.Clone(key))
		batch.Delete(append([]byte("r/"), key[11:]...))
	}
	return errors.Join(ended.Error(), o.db.Write(batch, onDisk))
}
