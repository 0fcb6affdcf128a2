package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	ledger "emrfs.invalid/chaincode"
	"emrfs.invalid/tests/conformance/chaincode/record"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

func readRecords(dir string) ([]record.Batch, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []record.Batch
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var batch record.Batch
			if err := json.Unmarshal(lines.Bytes(), &batch); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, batch)
		}
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// forPeers chooses what real peers judge, who take two transactions for each: every batch that writes or purges parts, or deletes rows,
// and one in ten of the others.  How the contract judges them all is what drive wire shows.
func forPeers(all []record.Batch) []record.Batch {
	var chosen []record.Batch
	for i, batch := range all {
		if i%10 == 0 || slices.ContainsFunc(batch.Expected.Writes, func(write record.Write) bool { return write.Kind != "put" }) {
			chosen = append(chosen, batch)
		}
	}
	return chosen
}

// judge submits a batch with its parts apart, as a client does.
func judge(net network, world string, caller record.Caller, now uint64, batch []byte) (*peer.Response, error) {
	who, err := json.Marshal(caller)
	if err != nil {
		return nil, err
	}
	run, err := ledger.NewRun(batch)
	if err != nil {
		return nil, err
	}
	cut := run.PublicLen()
	run.Free()
	return net.invoke([][]byte{[]byte("judge"), []byte(world), who, []byte(strconv.FormatUint(now, 10)), batch[:cut]},
		map[string][]byte{"parts": batch[cut:]})
}

func seed(net network, world string, rows map[string]record.Hex) error {
	args := [][]byte{[]byte("seed"), []byte(world)}
	for key, value := range rows {
		args = append(args, []byte(key), value)
	}
	response, err := net.invoke(args, nil)
	if err == nil && response.Status != 200 {
		err = errors.New(response.Message)
	}
	return err
}

func checkRows(net network, world string, expected map[string]func([]byte) error) error {
	rows, err := net.rows(world)
	if err != nil {
		return err
	}
	for key, value := range rows {
		check, known := expected[strings.TrimPrefix(key, world)]
		if !known {
			return fmt.Errorf("the row %s is too many", key)
		}
		if err := check(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if len(rows) != len(expected) {
		return fmt.Errorf("%d rows, not %d", len(rows), len(expected))
	}
	return nil
}

func is(value []byte) func([]byte) error {
	return func(got []byte) error { return same("value", got, value) }
}

func has(write record.Write) func([]byte) error {
	if write.Value != nil {
		return is(*write.Value)
	}
	return func(got []byte) error {
		hash := sha256.Sum256(got)
		return same("hash", hash[:], *write.SHA256)
	}
}

// play has one recorded batch judged in a world of its own.
func play(net network, world string, batch *record.Batch) error {
	if err := seed(net, world, batch.State); err != nil {
		return err
	}
	response, err := judge(net, world, batch.Caller, batch.Now, batch.Batch)
	if err != nil {
		return err
	}
	want := batch.Expected
	rows, parts := map[string]func([]byte) error{}, map[string]func([]byte) error{}
	for key, value := range batch.State {
		rows[key] = is(value)
	}
	switch want.Outcome {
	case "refused":
		err = same("answer", response.Payload, []byte{3, want.Refusal})
	case "known":
		err = same("answer", response.Payload, append([]byte{2}, want.Results...))
	default:
		err = same("answer", response.Payload, append([]byte{1}, want.Results...))
	}
	if err != nil {
		return fmt.Errorf("%w (%d %s)", err, response.Status, response.Message)
	}
	for _, write := range want.Writes {
		switch write.Kind {
		case "put":
			rows[write.Key] = has(write)
		case "put_part":
			parts[write.Key] = has(write)
		case "purge_parts":
			purged(parts, write)
		}
	}
	if err := checkRows(net, world, rows); err != nil {
		return err
	}
	return checkParts(net, world, parts)
}

func purged(parts map[string]func([]byte) error, write record.Write) {
	at := strings.LastIndexByte(write.Key, '/') + 1
	first, _ := strconv.ParseUint(write.Key[at:], 16, 64)
	for i := range write.Versions {
		parts[fmt.Sprintf("%s%016x", write.Key[:at], first+i)] = nil
	}
}

func checkParts(net network, world string, parts map[string]func([]byte) error) error {
	for key, check := range parts {
		part, err := net.part(world, key)
		if err != nil {
			return err
		}
		if check == nil {
			check = is(nil)
		}
		if err := check(part); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// ---- The story: twenty entries of one network, each upon what those before have left ----

type row struct {
	Key   string     `json:"key"`
	Value record.Hex `json:"value"`
}
type step struct {
	Changed   []row    `json:"changed"`
	PartsGone []string `json:"parts_gone"`
}
type story struct {
	Story struct {
		Registrations []struct {
			Alg string     `json:"cert_alg"`
			Key record.Hex `json:"cert_pk"`
		} `json:"registrations"`
		Batches []struct {
			Net    record.Hex `json:"net_id"`
			Batch  record.Hex `json:"batch"`
			Caller struct {
				Submitter record.Hex `json:"submitter_id"`
				Ref       record.Hex `json:"cert_sha256"`
				Enrolment record.Hex `json:"enrolment"`
				Org       record.Hex `json:"org"`
				Roles     uint16     `json:"roles"`
			} `json:"caller"`
			Entry struct {
				Time    uint64     `json:"ledger_time"`
				Results record.Hex `json:"results"`
			} `json:"entry"`
		} `json:"batches"`
	} `json:"story"`
}

// DER SubjectPublicKeyInfo of a P-256 key (RFC 5480): these bytes, then the uncompressed point.
var p256Head = []byte{0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00}

func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}

func playStory(net network, vectors string) error {
	var told story
	var states struct {
		Steps []step `json:"steps"`
		Parts []struct {
			Key  string     `json:"key"`
			Hash record.Hex `json:"priv_hash"`
		} `json:"final_parts"`
	}
	if err := readJSON(filepath.Join(vectors, "ledger.json"), &told); err != nil {
		return err
	}
	if err := readJSON(filepath.Join(vectors, "state.json"), &states); err != nil {
		return err
	}
	const world = "story|"
	rows, first := map[string]func([]byte) error{}, map[string]record.Hex{}
	for _, row := range states.Steps[0].Changed {
		first[row.Key], rows[row.Key] = row.Value, is(row.Value)
	}
	if err := seed(net, world, first); err != nil {
		return err
	}
	for i, batch := range told.Story.Batches {
		caller := record.Caller{Net: batch.Net, Submitter: batch.Caller.Submitter, Seen: 1}
		if len(batch.Caller.Ref) > 0 {
			own := told.Story.Registrations[i]
			caller.Cert = &record.Certificate{Ref: batch.Caller.Ref, Org: batch.Caller.Org, Enrolment: batch.Caller.Enrolment, Roles: batch.Caller.Roles, NotAfter: 1 << 62,
				Alg: 1, Key: own.Key}
			if own.Alg != "ed25519" {
				caller.Cert.Alg, caller.Cert.Key = 2, append(append(record.Hex{}, p256Head...), own.Key...)
			}
		}
		response, err := judge(net, world, caller, batch.Entry.Time, batch.Batch)
		if err == nil {
			err = same("answer", response.Payload, append([]byte{1}, batch.Entry.Results...))
		}
		for _, row := range states.Steps[i+1].Changed {
			rows[row.Key] = is(row.Value)
		}
		if err == nil {
			err = checkRows(net, world, rows)
		}
		gone := map[string]func([]byte) error{}
		for _, key := range states.Steps[i+1].PartsGone {
			gone[key] = nil
		}
		if err == nil {
			err = checkParts(net, world, gone)
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	for _, last := range states.Parts {
		part, err := net.part(world, last.Key)
		hash := sha256.Sum256(append([]byte("emrfs/v1/priv"), part...))
		if err == nil {
			err = same(last.Key, hash[:], last.Hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
