package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
)

const (
	keysMax = 256
	keyMax  = 256
	nothing = 0xffffffff // the length of what is not there, in a list of the contract
)

// part is what is known of one private part (FORMAT.md).
type part struct {
	Part  []byte `json:"part,omitempty"`
	Hash  string `json:"hash,omitempty"`
	Row   []byte `json:"row,omitempty"`
	Later bool   `json:"later,omitempty"`
}

type partsAnswer struct {
	Parts    []part `json:"parts"`
	Complete bool   `json:"complete"`
}

// parts asks peers for private parts until each has come that the verified blocks have a hash of. A part with another hash is none.
func parts(ctx context.Context, c *chain, nodes []*node, chaincode, collection string, keys []string) (*partsAnswer, error) {
	hashes, err := c.partHashes(chaincode, collection, keys)
	if err != nil {
		return nil, err
	}
	answer := &partsAnswer{Parts: make([]part, len(keys)), Complete: true}
	var missing []int
	for i, hash := range hashes {
		if answer.Parts[i].Hash = hex.EncodeToString(hash); len(hash) > 0 {
			missing = append(missing, i)
		}
	}
	size, heard := 0, false
	for _, n := range nodes {
		if len(missing) == 0 {
			return answer, nil
		}
		args := make([][]byte, len(missing))
		for j, i := range missing {
			args[j] = []byte(keys[i])
		}
		list, _, err := evaluate(ctx, []*node{n}, chaincode, "parts", args)
		values, cut := cutList(list, 3*len(missing))
		if err = errors.Join(err, cut); err != nil {
			n.note(err)
			answer.Complete = false
			continue
		}
		heard = true
		missing = slices.DeleteFunc(slices.Clone(missing), func(i int) bool {
			at := 3 * slices.Index(missing, i)
			if !hashIs(hashes[i], values[at]) {
				return false
			}
			if size += len(values[at]); size > answerMax && size > len(values[at]) {
				answer.Parts[i] = part{Later: true}
				return true
			}
			answer.Parts[i].Part, answer.Parts[i].Row = values[at], values[at+2]
			return true
		})
	}
	if len(missing) > 0 && !heard {
		return nil, errOffline
	}
	return answer, nil
}

// cutList takes a list of the contract apart: COUNT values, each behind its length.
func cutList(list []byte, count int) ([][]byte, error) {
	values := make([][]byte, count)
	for i := range values {
		if len(list) < 4 {
			return nil, errors.New("a peer's list is too short")
		}
		length := binary.BigEndian.Uint32(list)
		if list = list[4:]; length == nothing {
			continue
		}
		if uint64(length) > uint64(len(list)) {
			return nil, errors.New("a peer's list is too short")
		}
		values[i], list = list[:length], list[length:]
	}
	if len(list) > 0 {
		return nil, errors.New("a peer's list is too long")
	}
	return values, nil
}
