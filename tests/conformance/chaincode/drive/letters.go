package main

// Here people without a key on the ledger leave letters at the chaincode: some may be replaced, some not; each is found; nobody leaves more
// than a day's share.

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

const (
	reply, answered, application = 1, 2, 3
	largest                      = 12288
	ofInvitation                 = 20  // letters of one id in a day of UTC
	ofMembers                    = 312 // letters of one organisation under ids of one place
	places                       = 64
)

// noon of one day: what is counted is counted by the day.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

type letters struct{ net *wire }

func newID() []byte {
	id := make([]byte, 16)
	rand.Read(id)
	return id
}

func (l *letters) leaveAs(who, id []byte, kind byte, text []byte) (*peer.Response, error) {
	return l.net.invokeAs(who, noon, [][]byte{[]byte("leave")}, map[string][]byte{"letter": append(append(bytes.Clone(id), kind), text...)})
}

// leaves is an error where the chaincode answers with another status.
func (l *letters) leaves(status int32, id []byte, kind byte, text string) error {
	response, err := l.leaveAs(nobody, id, kind, []byte(text))
	if err == nil && response.Status != status {
		err = fmt.Errorf("letter %d of %d bytes: %d %s, wanted %d", kind, len(text), response.Status, response.Message, status)
	}
	return err
}

// asks is an evaluation, whose answer is a list.
func (l *letters) asks(args ...string) ([][]byte, error) {
	var all [][]byte
	for _, arg := range args {
		all = append(all, []byte(arg))
	}
	response, err := l.net.invoke(all, nil)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for list := response.Payload; len(list) > 0; {
		if length := binary.BigEndian.Uint32(list); length != 0xffffffff {
			out, list = append(out, list[4:4+length]), list[4+length:]
		} else {
			out, list = append(out, nil), list[4:]
		}
	}
	return out, nil
}

func (l *letters) found(id []byte, kind byte, wanted []byte) error {
	found, err := l.asks("left", fmt.Sprintf("%x/%d", id, kind))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("%d letters: %w", len(found), err)
	}
	return same("the letter", found[0], wanted)
}

// A reply may be replaced until it is answered; the answer is the last.
func (l *letters) replies() error {
	id := newID()
	return errors.Join(l.found(id, reply, nil), l.leaves(200, id, reply, "first"), l.leaves(200, id, reply, "second"), l.found(id, reply, []byte("second")),
		l.leaves(200, id, answered, "answer"), l.leaves(409, id, reply, "third"), l.leaves(409, id, answered, "another"),
		l.found(id, reply, []byte("second")), l.found(id, answered, []byte("answer")))
}

// Members have seen an application: nobody puts another one in its place. All of them are found, each once.
func (l *letters) applications() error {
	wanted := map[string]string{}
	for i := range 70 { // an answer has 32
		id, text := newID(), fmt.Sprint("application ", i)
		wanted[hex.EncodeToString(id)] = text
		if err := errors.Join(l.leaves(200, id, application, text), l.leaves(200, id, application, text), l.leaves(409, id, application, "another"),
			l.leaves(200, id, answered, "of an invitation with that id")); err != nil {
			return err
		}
	}
	from := ""
	for {
		found, err := l.asks("applications", from)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			break
		}
		for i := 0; i < len(found); i += 2 {
			if err := same("application", found[i+1], []byte(wanted[string(found[i])])); err != nil {
				return err
			}
			delete(wanted, string(found[i]))
			from = string(found[i]) + "0" // behind it
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("%d applications were not found", len(wanted))
	}
	return nil
}

func (l *letters) noLetters() error {
	large := string(make([]byte, largest))
	return errors.Join(l.leaves(200, newID(), reply, large), l.leaves(500, newID(), reply, large+"x"), l.leaves(500, newID(), application, ""),
		l.leaves(500, newID(), 0, "x"), l.leaves(500, newID(), 4, "x"))
}

// The holder of an invitation fills no disks with it, whatever certificates he has; nor do the members of an organisation with many.
func (l *letters) spent() error {
	id := newID()
	for range ofInvitation {
		if err := l.leaves(200, id, reply, string(make([]byte, largest))); err != nil {
			return err
		}
	}
	other, err := l.leaveAs(creatorOf("Other", []byte("another certificate")), id, reply, []byte("small"))
	if err != nil {
		return err
	}
	if other.Status != 429 {
		return fmt.Errorf("with another certificate: %d %s", other.Status, other.Message)
	}
	left := 0
	for many := creatorOf("Many", []byte("many")); left <= ofMembers; {
		id := newID()
		if hash := sha256.Sum256(id); hash[0]%places != 7 {
			continue
		}
		response, err := l.leaveAs(many, id, reply, []byte("small"))
		if err != nil {
			return err
		}
		if response.Status != 200 {
			break
		}
		left++
	}
	if left != ofMembers {
		return fmt.Errorf("an organisation left %d letters", left)
	}
	return nil
}

func leaveLetters(addresses []string) error {
	net, err := dialChaincodes(addresses)
	if err != nil {
		return err
	}
	l := &letters{net}
	for says, run := range map[string]func() error{"a reply may be replaced until it is answered": l.replies, "an application stays as it came": l.applications,
		"what is no letter is not taken": l.noLetters, "an invitation, and an organisation, leave no more than their share": l.spent} {
		if err := run(); err != nil {
			return fmt.Errorf("%s: %w", says, err)
		}
		fmt.Println(says)
	}
	return nil
}
