package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/netutil"
)

const (
	bodyMax   = 24 << 20
	callsMax  = 64
	bodiesMax = 4 // that are read at one time
	argsMax   = 1024
	waitMax   = 60
)

// backend answers the five calls (FORMAT.md).
type backend struct {
	settings *settings
	who      *signer
	chain    *chain
	nodes    []*node
	outbox   *outbox
	sender   *sender
	reader   *reader
	ctx      context.Context // ends with the program
	bodies   chan struct{}
}

// failure is an answer that is an error.
type failure struct {
	status     int
	word, said string
}

func (f *failure) Error() string { return f.word + ": " + f.said }

var (
	errCalled  = malformed("there is no function, or there are too many arguments")
	errOther   = &failure{http.StatusConflict, "other", "the id was handed in before with other content"}
	errFull    = &failure{http.StatusTooManyRequests, "full", "too much waits"}
	errUnknown = &failure{http.StatusNotFound, "unknown", "no transaction with this id is known"}
	errOffline = &failure{http.StatusServiceUnavailable, "offline", "no peer answered"}
)

func malformed(said string) error { return &failure{http.StatusBadRequest, "malformed", said} }

// call makes a handler of a function that answers a value or an error.
func call(name string, f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r)
		code := http.StatusOK
		if err != nil {
			f := failureOf(err)
			if f.status == http.StatusInternalServerError {
				slog.Error("a call failed", "call", name, "why", err)
			}
			code, answer = f.status, map[string]string{"error": f.word, "said": f.said}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			slog.Info("the host did not take an answer", "call", name, "why", err)
		}
	}
}

func failureOf(err error) *failure {
	var known *failure
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return &failure{http.StatusRequestEntityTooLarge, "large", "a body has at most 24 MiB"}
	case errors.Is(err, context.Canceled): // of the caller, or of the program
		return errOffline
	}
	return &failure{http.StatusInternalServerError, "failed", err.Error()}
}

func (b *backend) handler() http.Handler {
	calls := http.NewServeMux()
	calls.HandleFunc("POST /v1/transactions", call("hand in", b.handIn))
	calls.HandleFunc("GET /v1/transactions/{id}", call("ended", b.ended))
	calls.HandleFunc("GET /v1/log", call("log", b.log))
	calls.HandleFunc("POST /v1/parts", call("parts", b.parts))
	calls.HandleFunc("POST /v1/ask", call("ask", b.ask))
	calls.HandleFunc("GET /v1/state", call("state", b.state))
	return calls
}

// body reads JSON strictly into INTO.
func (b *backend) body(r *http.Request, into any) error {
	b.bodies <- struct{}{}
	defer func() { <-b.bodies }()
	reader := json.NewDecoder(http.MaxBytesReader(nil, r.Body, bodyMax))
	reader.DisallowUnknownFields()
	var large *http.MaxBytesError
	if err := reader.Decode(into); errors.As(err, &large) {
		return err
	} else if err != nil {
		return malformed(err.Error())
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return malformed("there is something behind the JSON")
	}
	return nil
}

var nameText = regexp.MustCompile(`^[0-9A-Za-z._-]{1,128}$`)

func (b *backend) handIn(r *http.Request) (any, error) {
	var asked struct {
		ID        string            `json:"id"`
		Line      string            `json:"line"`
		Function  string            `json:"function"`
		Args      [][]byte          `json:"args"`
		Transient map[string][]byte `json:"transient"`
	}
	if err := b.body(r, &asked); err != nil {
		return nil, err
	}
	if !nameText.MatchString(asked.ID) || (asked.Line != "" && !nameText.MatchString(asked.Line)) {
		return nil, malformed("id or line is out of its alphabet")
	}
	if asked.Function == "" || len(asked.Args) > argsMax {
		return nil, errCalled
	}
	size := 0
	for _, arg := range asked.Args {
		size += len(arg)
	}
	if size > b.chain.envelopeMax() {
		return nil, &failure{http.StatusRequestEntityTooLarge, "large", "the channel takes no transaction that large"}
	}
	record, isNew, err := b.outbox.add(asked.ID, asked.Line, &content{asked.Function, asked.Args, asked.Transient})
	if err != nil {
		return nil, err
	}
	if isNew {
		b.sender.start(record)
	}
	return b.endedAnswer(asked.ID)
}

// endedAnswer is how a transaction ended (FORMAT.md), for each state what it has.
func (b *backend) endedAnswer(id string) (any, error) {
	r, _, err := b.outbox.look(id)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"id": r.ID, "state": r.State}
	switch r.State {
	case waiting:
		answer["since"], answer["tries"], answer["said"] = r.Since, r.tries, r.said
	case entered:
		answer["block"], answer["index"], answer["validity"], answer["transaction"], answer["answer"] = r.Block, r.Index, r.Validity, r.Transaction, r.Answer
	case answered:
		answer["answer"] = r.Answer
	case refused:
		answer["status"], answer["said"] = r.Status, r.Said
	}
	return answer, nil
}

func (b *backend) ended(r *http.Request) (any, error) {
	id := r.PathValue("id")
	err := b.await(r, func() (bool, <-chan struct{}, error) {
		now, moved, err := b.outbox.look(id)
		return err == nil && now.State != waiting, moved, err
	})
	if err != nil {
		return nil, err
	}
	return b.endedAnswer(id)
}

// await looks again whenever something has changed, until it is done or the caller waits no longer.
func (b *backend) await(r *http.Request, look func() (done bool, changed <-chan struct{}, err error)) error {
	seconds, err := number(r, "wait", waitMax)
	if err != nil {
		return err
	}
	enough := time.After(time.Duration(seconds) * time.Second)
	for {
		done, changed, err := look()
		if done || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-enough:
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
}

// number is one of the query; what is away is 0.
func number(r *http.Request, name string, most uint64) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		text = "0"
	}
	value, err := strconv.ParseUint(text, 10, 53)
	if err != nil || value > most {
		return 0, malformed(name + " is no number in its bounds")
	}
	return value, nil
}

func (b *backend) log(r *http.Request) (any, error) {
	height, _ := b.chain.served()
	block, err := number(r, "block", height)
	index, failed := number(r, "index", 1<<32)
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	var answer *logAnswer
	err = b.await(r, func() (bool, <-chan struct{}, error) {
		_, changed := b.chain.served()
		var err error
		if answer, err = b.chain.log(b.settings.chaincode, block, index); err != nil {
			return false, nil, err
		}
		block, index = answer.Block, answer.Index
		return len(answer.Transactions) > 0 || block < answer.Height, changed, nil
	})
	return answer, err
}

func (b *backend) parts(r *http.Request) (any, error) {
	var asked struct {
		Collection string   `json:"collection"`
		Keys       []string `json:"keys"`
	}
	if err := b.body(r, &asked); err != nil {
		return nil, err
	}
	if len(asked.Keys) > keysMax {
		return nil, malformed("there are more than 256 keys")
	}
	for _, key := range asked.Keys {
		if key == "" || len(key) > keyMax {
			return nil, malformed("a key is empty or too long")
		}
	}
	return parts(r.Context(), b.chain, b.nodes, b.settings.chaincode, asked.Collection, asked.Keys)
}

func (b *backend) ask(r *http.Request) (any, error) {
	var asked struct {
		Function string   `json:"function"`
		Args     [][]byte `json:"args"`
	}
	if err := b.body(r, &asked); err != nil {
		return nil, err
	}
	if asked.Function == "" || len(asked.Args) > argsMax {
		return nil, errCalled
	}
	answer, err := evaluate(r.Context(), b.nodes, b.settings.chaincode, asked.Function, asked.Args)
	if no, ok := refusalIn(err); ok {
		return nil, &failure{http.StatusUnprocessableEntity, "refused", no.words}
	}
	if err != nil {
		return nil, errOffline
	}
	return map[string][]byte{"answer": answer}, nil
}

// serve answers at the socket until the program ends.
func (b *backend) serve() error {
	if err := os.MkdirAll(b.settings.socket, 0o700); err != nil {
		return err
	}
	if err := isOwn(b.settings.socket); err != nil {
		return err
	}
	path := filepath.Join(b.settings.socket, "backend")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // of a run that was killed: the ledger's lock says that none runs
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	server := &http.Server{Handler: b.handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 4 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, BaseContext: func(net.Listener) context.Context { return b.ctx }}
	answered := make(chan struct{}) // calls that were open at the end
	go func() {
		defer close(answered)
		<-b.ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Shutdown(ctx)
	}()
	slog.Info("the host is served", "socket", path, "height", b.chain.height())
	if err := server.Serve(netutil.LimitListener(listener, callsMax)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-answered
	return nil
}

// ---- Private parts ----

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
		list, err := evaluate(ctx, []*node{n}, chaincode, "parts", args)
		values, cut := cutList(list, 3*len(missing))
		if err = errors.Join(err, cut); err != nil {
			n.note(err)
			answer.Complete = false
			continue
		}
		heard = true
		missing = slices.DeleteFunc(slices.Clone(missing), func(i int) bool {
			at := 3 * slices.Index(missing, i)
			if sum := sha256.Sum256(values[at]); !bytes.Equal(sum[:], hashes[i]) {
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
