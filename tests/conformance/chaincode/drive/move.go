package main

// Here the ledger of a directory goes on in a channel: what its entries have left must be there row by row, and nobody gets in by it who
// would not have got into the directory.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	ledger "emrfs.invalid/chaincode"
	"emrfs.invalid/tests/conformance/chaincode/record"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type moved struct {
	Entry record.Hex `json:"entry"`
	Items record.Hex `json:"items"`
	Parts []struct {
		Part *record.Hex `json:"part"`
	} `json:"parts"`
}

type moving struct {
	liveNetwork
	at   int64
	seen int // entries that name the one before
}

func (m *moved) list() []byte {
	var list []byte
	for _, one := range m.Parts {
		if one.Part == nil {
			list = ledger.AppendValue(list, nil)
		} else {
			list = append(binary.BigEndian.AppendUint32(list, uint32(len(*one.Part))), *one.Part...)
		}
	}
	return list
}

// call is made by nobody whom the network knows: the entries alone count.
func (m *moving) call(parts []byte, args ...[]byte) (*peer.Response, error) {
	return m.net.invokeAs(nobody, time.Unix(m.at, 0), args, map[string][]byte{"parts": parts})
}

func (m *moving) bring(entries ...moved) (*peer.Response, error) {
	args := [][]byte{[]byte("move")}
	var parts []byte
	for _, one := range entries {
		args = append(args, one.Entry, one.Items, nil)
		parts = append(parts, one.list()...)
	}
	return m.call(parts, args...)
}

// refused: with these words, and nothing is written.
func (m *moving) refused(what, words string, response *peer.Response, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if response.Status != 500 || !strings.Contains(response.Message, words) {
		return fmt.Errorf("%s: %d %s", what, response.Status, response.Message)
	}
	return nil
}

func (m *moving) harm(next moved, behind moved) error {
	changed := func(at int) moved {
		other := next
		other.Entry = bytes.Clone(next.Entry)
		other.Entry[at] ^= 1
		return other
	}
	channels := changed(5) // the host
	otherItems := next
	otherItems.Items = bytes.Clone(next.Items)
	otherItems.Items[len(otherItems.Items)-1] ^= 1
	otherPart := next
	otherPart.Parts = append(otherPart.Parts[:0:0], next.Parts...)
	if part := otherPart.Parts[0].Part; part != nil {
		other := record.Hex(bytes.Clone(*part))
		other[0] ^= 1
		otherPart.Parts[0].Part = &other
	}
	for _, try := range []struct {
		what, words string
		entries     []moved
	}{
		{"an entry of a channel", "no entry of a directory", []moved{channels}},
		{"another number", "does not follow", []moved{changed(15)}},
		{"another one before it", "does not follow", []moved{changed(72)}},
		{"another signature", "signature is wrong", []moved{changed(312)}},
		{"other results", "results are not what", []moved{changed(len(next.Entry) - 1)}},
		{"other items", "", []moved{otherItems}},
		{"the one behind it", "does not follow", []moved{behind}},
		{"twice at once", "does not follow", []moved{next, next}},
	} {
		response, err := m.bring(try.entries...)
		if err := m.refused(try.what, try.words, response, err); err != nil {
			return err
		}
	}
	// The same batches, of which nobody has signed when they came: who saw one before stands behind none that came at another time.
	if binary.BigEndian.Uint64(behind.Entry[176:]) == binary.BigEndian.Uint64(next.Entry[8:]) {
		other, last := changed(23), behind
		last.Entry = bytes.Clone(behind.Entry)
		copy(last.Entry[72:], leafOf(other.Entry))
		response, err := m.bring(other, last)
		if err := m.refused("another history", "has seen another history", response, err); err != nil {
			return err
		}
		m.seen++
	}
	if next.Parts[0].Part != nil {
		response, err := m.bring(otherPart)
		if err := m.refused("another part", "no entry of a directory", response, err); err != nil {
			return err
		}
	}
	response, err := m.call(nil, []byte("move"), next.Entry, next.Items, nil)
	return m.refused("no list of parts", "fewer parts", response, err)
}

// early: a batch of a channel, before the ledger is whole here.
func (m *moving) early(what string) error {
	first := m.story.Calls[0]
	response, err := m.call(nil, []byte("strict"), []byte("register"), m.story.Submitter, first.Signed, first.Batch)
	return m.refused(what, "has not moved here", response, err)
}

func move(program string, addresses []string) error {
	output, err := exec.Command(program, "move").Output()
	if err != nil {
		return err
	}
	var story told
	if err := json.Unmarshal(output, &story); err != nil {
		return err
	}
	net, err := dialChaincodes(addresses)
	if err != nil {
		return err
	}
	m := &moving{liveNetwork{net: net, story: &story}, story.Calls[len(story.Calls)-1].Time + 4000, 0}
	entries := story.Entries
	if len(entries) < 5 {
		return fmt.Errorf("only %d entries", len(entries))
	}
	response, err := m.bring(entries[0])
	if err := m.refused("before genesis", "has begun here", response, err); err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	for i := 0; i < len(entries); {
		if err := m.early("a batch between them"); err != nil {
			return err
		}
		if i+1 < len(entries) {
			if err := m.harm(entries[i], entries[i+1]); err != nil {
				return fmt.Errorf("entry %d: %w", i+1, err)
			}
		}
		n := 1 // alone, then with those that stand on it, and the last two
		if i > 0 {
			n = max(len(entries)-2-i, 2)
		}
		response, err := m.bring(entries[i : i+n]...)
		if err != nil {
			return err
		}
		if response.Status != 200 || !bytes.Equal(response.Payload, []byte{1}) {
			return fmt.Errorf("entry %d: %d %s", i+1, response.Status, response.Message)
		}
		i += n
	}
	response, err = m.bring(entries[len(entries)-1])
	if err := m.refused("behind the last", "nothing comes behind", response, err); err != nil {
		return err
	}
	response, err = m.bring(entries[0])
	if err := m.refused("a second time", "nothing comes behind", response, err); err != nil {
		return err
	}
	for i, one := range entries {
		m.story.Rows[fmt.Sprintf("moved/%016x", i+1)] = leafOf(one.Entry)
	}
	m.story.Rows["moved"] = m.end(entries)
	if m.seen == 0 {
		return errors.New("no entry names the one before")
	}
	if err := m.compare(); err != nil {
		return err
	}
	fmt.Printf("%d entries: the channel has the %d rows and %d parts of the directory\n", len(entries), len(story.Rows), len(story.Parts))
	return nil
}

func (m *moving) end(entries []moved) []byte {
	end := binary.BigEndian.AppendUint64(nil, uint64(len(entries)+1))
	return append(end, leafOf(entries[len(entries)-1].Entry)...)
}

func leafOf(entry []byte) []byte {
	hash := sha256.Sum256(append([]byte{0}, entry...))
	return hash[:]
}
