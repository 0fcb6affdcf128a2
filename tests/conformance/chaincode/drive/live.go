package main

// Here a ledger is repeated on the chaincode, which has no clock of its own then, with the certificate of whoever made it: every call must be
// answered as the embedded ledger answered it, and rows and parts must be the same in the end.

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	ledger "emrfs.invalid/chaincode"
	"emrfs.invalid/tests/conformance/chaincode/record"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type call struct {
	Batch  record.Hex `json:"batch"`
	Signed record.Hex `json:"signed"` // the submitter's signature
	Answer record.Hex `json:"answer"`
	Time   int64      `json:"time"`
}

type told struct {
	Descriptor  record.Hex            `json:"descriptor"`
	MSP         string                `json:"msp"`
	Submitter   record.Hex            `json:"submitter"`
	Certificate record.Hex            `json:"certificate"`
	Calls       []call                `json:"calls"`
	Rows        map[string]record.Hex `json:"rows"`
	Parts       map[string]record.Hex `json:"parts"`
}

func live(program string, addresses []string) error {
	output, err := exec.Command(program).Output()
	if err != nil {
		return err
	}
	var story told
	if err := json.Unmarshal(output, &story); err != nil {
		return err
	}
	if len(story.Calls) < 10 {
		return errors.New("too little has happened")
	}
	net, err := dialChaincodes(addresses)
	if err != nil {
		return err
	}
	l := &liveNetwork{net: net, story: &story, isCounted: true}
	if err := l.begin(); err != nil {
		return err
	}
	for i := range story.Calls {
		if err := l.repeat(i); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	if err := l.compare(); err != nil {
		return err
	}
	fmt.Printf("%d calls: the chaincode answers as the embedded ledger did, and has its %d rows and %d parts\n", len(story.Calls),
		len(story.Rows), len(story.Parts))
	return nil
}

type liveNetwork struct {
	net       *wire
	story     *told
	isCounted bool // each batch with what a transaction may carry beside it
}

// isMore: the same day, and in it what a directory counts and 8,192 bytes for each batch.
func isMore(value []byte) func([]byte) error {
	return func(got []byte) error {
		if len(got) != 16 || !bytes.Equal(got[:8], value[:8]) {
			return errors.New("another day")
		}
		more := binary.BigEndian.Uint64(got[8:]) - binary.BigEndian.Uint64(value[8:])
		if more == 0 || more%8192 != 0 {
			return fmt.Errorf("%d bytes more", more)
		}
		return nil
	}
}

func (l *liveNetwork) owner() []byte { return creatorOf(l.story.MSP, l.story.Certificate) }

func (l *liveNetwork) register(who []byte, at int64, submitter, signed, batch, parts []byte) (*peer.Response, error) {
	return l.net.invokeAs(who, time.Unix(at, 0), [][]byte{[]byte("register"), submitter, signed, batch}, map[string][]byte{"parts": parts})
}

// begin: nothing is registered before genesis, which is possible once.
func (l *liveNetwork) begin() error {
	first := l.story.Calls[0]
	early, err := l.register(l.owner(), first.Time, l.story.Submitter, first.Signed, first.Batch, nil)
	if err != nil {
		return err
	}
	if early.Status != 500 {
		return fmt.Errorf("registered before genesis: %d", early.Status)
	}
	for i, expected := range []struct {
		descriptor []byte
		status     int32
	}{{l.story.Descriptor[1:], 500}, {l.story.Descriptor, 200}, {l.story.Descriptor, 500}} {
		response, err := l.net.invokeAs(l.owner(), time.Unix(first.Time, 0), [][]byte{[]byte("genesis"), expected.descriptor}, nil)
		if err != nil {
			return err
		}
		if response.Status != expected.status {
			return fmt.Errorf("genesis %d: %d %s", i, response.Status, response.Message)
		}
	}
	return nil
}

func (l *liveNetwork) repeat(i int) error {
	call := l.story.Calls[i]
	run, err := ledger.NewRun(call.Batch)
	if err != nil {
		return err
	}
	cut := run.PublicLen()
	run.Free()
	if call.Answer[0] == 1 {
		if err := l.others(call, cut); err != nil {
			return err
		}
	}
	response, err := l.register(nobody, call.Time, l.story.Submitter, call.Signed, call.Batch[:cut], call.Batch[cut:])
	if err != nil {
		return err
	}
	if (response.Status == 200) != (call.Answer[0] != 3) {
		return fmt.Errorf("status %d %s", response.Status, response.Message)
	}
	return same("answer", response.Payload, call.Answer)
}

// others bring the same batch before its owner does, or it comes at the wrong time: all are refused, and nothing is written. It does not matter
// here by whom the transaction was made.
func (l *liveNetwork) others(call call, cut int) error {
	other, elsewhere := bytes.Clone(call.Signed), l.story.Calls[0].Signed
	other[0] ^= 1
	if bytes.Equal(elsewhere, call.Signed) {
		elsewhere = l.story.Calls[1].Signed
	}
	const submitter, ahead, over, day = 19, 20, 21, 86400
	for _, try := range []struct {
		what      string
		submitter []byte
		signed    []byte
		at        int64
		result    byte
		notFirst  bool
	}{
		{"another signature", l.story.Submitter, other, call.Time, submitter, false},
		{"no signature", l.story.Submitter, make([]byte, 64), call.Time, submitter, false},
		{"the signature of another batch", l.story.Submitter, elsewhere, call.Time, submitter, false},
		{"another submitter", make([]byte, 32), call.Signed, call.Time, submitter, false},
		{"a transaction of long before", l.story.Submitter, call.Signed, call.Time - 3000, ahead, true},
		{"a transaction of long after", l.story.Submitter, call.Signed, call.Time + 20*day, over, false},
	} {
		if try.notFirst && bytes.Equal(call.Batch, l.story.Calls[0].Batch) {
			continue // who registers himself brings his own certificate, which does not begin earlier
		}
		response, err := l.register(nobody, try.at, try.submitter, try.signed, call.Batch[:cut], call.Batch[cut:])
		if err != nil {
			return fmt.Errorf("%s: %w", try.what, err)
		}
		if response.Status != 400 {
			return fmt.Errorf("%s: status %d", try.what, response.Status)
		}
		if err := same(try.what, response.Payload, []byte{3, try.result}); err != nil {
			return err
		}
	}
	// A block holds header and items, whole and alone: its readers have nothing else.
	for _, other := range []int{cut - 1, cut + 1, len(call.Batch)} {
		if other == cut || other > len(call.Batch) {
			continue // a batch without private parts
		}
		response, err := l.register(l.owner(), call.Time, l.story.Submitter, call.Signed, call.Batch[:other], call.Batch[other:])
		if err != nil {
			return fmt.Errorf("cut at %d: %w", other, err)
		}
		if response.Status != 500 {
			return fmt.Errorf("cut at %d and not at %d: status %d", other, cut, response.Status)
		}
	}
	return l.odd(call, cut)
}

// odd: a proposal says the same to everybody who reads it, whichever library he reads it with, or it is refused, and nothing is written.
func (l *liveNetwork) odd(call call, cut int) error {
	args := [][]byte{[]byte("register"), l.story.Submitter, call.Signed, call.Batch[:cut]}
	try := func(what string, change func(*common.Header)) error {
		var header common.Header
		proposal, tx := proposeTo(contract, l.owner(), time.Unix(call.Time, 0), args, map[string][]byte{"parts": call.Batch[cut:]})
		if err := proto.Unmarshal(proposal.Header, &header); err != nil {
			return err
		}
		change(&header)
		proposal.Header = encoded(&header)
		response, err := l.net.invokeBy(proposal, tx, args)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if response.Status != 500 {
			return fmt.Errorf("%s: status %d", what, response.Status)
		}
		return nil
	}
	for what, change := range map[string]func(*common.Header){
		"a time of before in the header of the channel": func(h *common.Header) {
			h.ChannelHeader = slices.Concat(encoded(&common.ChannelHeader{Timestamp: &timestamppb.Timestamp{Seconds: 1}}), h.ChannelHeader)
		},
		"something unknown in the header of the channel": func(h *common.Header) { h.ChannelHeader = slices.Concat(h.ChannelHeader, unknown) },
		"something unknown in the header of the signature": func(h *common.Header) {
			h.SignatureHeader = slices.Concat(h.SignatureHeader, unknown)
		},
	} {
		if err := try(what, change); err != nil {
			return err
		}
	}
	return nil
}

// unknown is a field that no message of Fabric has.
var unknown = protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)

func (l *liveNetwork) compare() error {
	rows := map[string]func([]byte) error{"descriptor": is(l.story.Descriptor)}
	for key, value := range l.story.Rows {
		rows[key] = is(value)
		if l.isCounted && strings.HasPrefix(key, "U/") && !strings.HasSuffix(key, "/ff") {
			rows[key] = isMore(value)
		}
	}
	if err := checkRows(l.net, "", rows); err != nil {
		return err
	}
	parts := map[string]func([]byte) error{}
	for key, value := range l.story.Parts {
		parts[key] = is(value)
	}
	return checkParts(l.net, "", parts)
}
