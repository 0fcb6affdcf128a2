// drive submits every recorded batch (contract/*.jsonl, and the story of the second model) to the contract as chaincode, and
// compares what comes out with what was recorded from the embedded ledger's contract, byte for byte: answers, rows, parts.  Each
// batch is endorsed by every organisation, and all must say the same.
//
//	drive wire RECORDS VECTORS ADDRESS...     the chaincodes at these addresses; drive plays the peers (wire.go)
//	drive live PROGRAM ADDRESS...             the same, as a client calls: it repeats what PROGRAM did to a ledger, at its times (live.go)
//	drive clock ADDRESS...                    the chaincode itself, called at other times than now (clock.go)
//	drive letters ADDRESS...                  the letters of those who have no key on the ledger (letters.go)
//	drive story RECORDS VECTORS NETWORK       the story alone, at a real network
//	drive fabric RECORDS VECTORS NETWORK      the peers of a real network that examples/network/fabric started, with the chaincode recorded
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sort"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

// A network runs a call in every organisation, compares what they answer, and does what they all want.
type network interface {
	invoke(args [][]byte, transient map[string][]byte) (*peer.Response, error)
	// Rows whose keys begin with prefix, at every organisation alike.
	rows(prefix string) (map[string][]byte, error)
	// The part at a key of a world, nil when there is none; everywhere alike.
	part(world, key string) ([]byte, error)
}

func main() {
	var err error
	switch {
	case len(os.Args) >= 4 && os.Args[1] == "live":
		err = live(os.Args[2], os.Args[3:])
	case len(os.Args) >= 3 && os.Args[1] == "clock":
		err = clock(os.Args[2:])
	case len(os.Args) >= 3 && os.Args[1] == "letters":
		err = leaveLetters(os.Args[2:])
	case len(os.Args) >= 5:
		err = drive(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	default:
		err = errors.New("drive live PROGRAM ADDRESS..., drive clock ADDRESS..., drive letters ADDRESS..., drive wire RECORDS VECTORS ADDRESS..., drive fabric RECORDS VECTORS NETWORK")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func drive(kind, records, vectors string, at []string) error {
	var net network
	var err error
	switch kind {
	case "fabric", "story":
		net, err = dialNetwork(at[0])
	case "wire":
		net, err = dialChaincodes(at)
	default:
		err = errors.New("drive knows no " + kind)
	}
	if err != nil {
		return err
	}
	if err := playStory(net, vectors); err != nil {
		return fmt.Errorf("the story: %w", err)
	}
	if kind == "story" {
		fmt.Println("the story: every organisation agrees, and rows and parts are those of the second model")
		return nil
	}
	batches, err := readRecords(records)
	if err != nil {
		return err
	}
	if len(batches) < 2000 {
		return fmt.Errorf("only %d recorded batches", len(batches))
	}
	if kind == "fabric" {
		if batches = forPeers(batches); len(batches) < 500 {
			return fmt.Errorf("only %d of them for real peers", len(batches))
		}
	}
	return inParallel(len(batches), 48, func(i int) error {
		if err := play(net, fmt.Sprintf("%05d|", i), &batches[i]); err != nil {
			return fmt.Errorf("%s: %w", batches[i].Name, err)
		}
		return nil
	}, fmt.Sprintf("%d recorded batches and the story: every organisation agrees, and rows and parts are those of the embedded ledger", len(batches)))
}

func inParallel(count, workers int, each func(int) error, done string) error {
	var group sync.WaitGroup
	var lock sync.Mutex
	var failures []string
	next := make(chan int)
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range next {
				if err := each(i); err != nil {
					lock.Lock()
					failures = append(failures, err.Error())
					lock.Unlock()
				}
			}
		}()
	}
	for i := range count {
		next <- i
	}
	close(next)
	group.Wait()
	if len(failures) == 0 {
		fmt.Println(done)
		return nil
	}
	sort.Strings(failures)
	return fmt.Errorf("%d of %d differ, such as:\n%s", len(failures), count, failures[0])
}

func same(what string, got, expected []byte) error {
	if bytes.Equal(got, expected) {
		return nil
	}
	return fmt.Errorf("%s: %x, not %x", what, got, expected)
}
