package main

// Answers that no gRPC library gives: HTTP/2 frame by frame.  The channel's name says which.

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
)

type line struct {
	net.Conn
	framer *http2.Framer
	stream uint32
	table  bytes.Buffer
	hpack  *hpack.Encoder
}

func serveRaw() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go talk(connection)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// talk reads whole requests, one after the other, and answers each as its channel wants.  Any error ends it.
func talk(connection net.Conn) {
	defer connection.Close()
	l := &line{Conn: connection, framer: http2.NewFramer(connection, connection)}
	l.hpack = hpack.NewEncoder(&l.table)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := readFull(connection, preface); err != nil || l.framer.WriteSettings() != nil {
		return
	}
	var body []byte
	for {
		frame, err := l.framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() && l.framer.WriteSettingsAck() != nil {
				return
			}
		case *http2.HeadersFrame:
			body = nil
		case *http2.DataFrame:
			body = append(body, f.Data()...)
			if n := uint32(len(f.Data())); n > 0 && (l.framer.WriteWindowUpdate(0, n) != nil || l.framer.WriteWindowUpdate(f.StreamID, n) != nil) {
				return
			}
			if !f.StreamEnded() {
				continue
			}
			l.stream = f.StreamID
			var request gateway.EvaluateRequest
			if len(body) < 5 || proto.Unmarshal(body[5:], &request) != nil || !l.act(request.ChannelId) {
				return
			}
		}
	}
}

func readFull(connection net.Conn, into []byte) (int, error) {
	n := 0
	for n < len(into) {
		got, err := connection.Read(into[n:])
		if err != nil {
			return n, err
		}
		n += got
	}
	return n, nil
}

func (l *line) headers(ends bool, pairs ...string) bool {
	l.table.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = l.hpack.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	block := l.table.Bytes()
	first := block[:min(len(block), 16000)]
	err := l.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: l.stream, BlockFragment: first, EndStream: ends, EndHeaders: len(first) == len(block)})
	for rest := block[len(first):]; err == nil && len(rest) > 0; {
		piece := rest[:min(len(rest), 16000)]
		rest = rest[len(piece):]
		err = l.framer.WriteContinuation(l.stream, len(rest) == 0, piece)
	}
	return err == nil
}

func (l *line) data(ends bool, bytes []byte) bool {
	return l.framer.WriteData(l.stream, ends, bytes) == nil
}

func (l *line) begin() bool {
	return l.headers(false, ":status", "200", "content-type", "application/grpc")
}

func (l *line) well() bool { return l.headers(true, "grpc-status", "0", "grpc-message", "") }

func (l *line) reset(code http2.ErrCode) bool { return l.framer.WriteRSTStream(l.stream, code) == nil }

func message(payload []byte) []byte {
	content := encoded(&gateway.EvaluateResponse{Result: &peer.Response{Status: 200, Payload: payload}})
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(content))), content...)
}

func (l *line) act(name string) bool {
	answer := message([]byte("whole"))
	switch name {
	case "whole":
		return l.begin() && l.data(false, answer) && l.well()
	case "split":
		ok := l.begin()
		for i := range answer {
			ok = ok && l.data(false, answer[i:i+1])
		}
		return ok && l.data(false, nil) && l.well()
	case "headers-first": // informational headers come before
		return l.headers(false, ":status", "103", "link", "x") && l.begin() && l.data(false, answer) && l.well()
	case "trailers-only":
		return l.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "9", "grpc-message", "access denied: caf%C3%A9%0d%0A%1b[31mred%zz%2")
	case "long-message":
		return l.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "2", "grpc-message", strings.Repeat("%41", 10000))
	case "bad-details":
		return l.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "10", "grpc-message", "see", "grpc-status-details-bin", "!!not base64!!")
	case "strange-code":
		return l.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "99", "grpc-message", "ninety-nine")
	case "code-no-number":
		return l.begin() && l.data(false, answer) && l.headers(true, "grpc-status", "OK")
	case "no-status":
		return l.begin() && l.data(false, answer) && l.headers(true, "grpc-message", "all is well")
	case "no-trailers":
		return l.begin() && l.data(true, answer)
	case "no-message":
		return l.begin() && l.well()
	case "two-messages":
		return l.begin() && l.data(false, append(append([]byte{}, answer...), answer...)) && l.well()
	case "half-head":
		return l.begin() && l.data(false, answer[:3]) && l.well()
	case "half-message":
		return l.begin() && l.data(false, answer[:len(answer)-1]) && l.well()
	case "compressed":
		answer[0] = 1
		return l.begin() && l.data(false, answer) && l.well()
	case "huge":
		return l.begin() && l.data(false, []byte{0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3}) && l.well()
	case "no-proto":
		return l.begin() && l.data(false, []byte{0, 0, 0, 0, 2, 0x0a, 0x7f}) && l.well()
	case "reset":
		return l.begin() && l.reset(http2.ErrCodeInternal)
	case "reset-behind":
		return l.begin() && l.data(false, answer) && l.reset(http2.ErrCodeCancel)
	case "reset-at-once":
		return l.reset(http2.ErrCodeRefusedStream)
	case "goaway":
		_ = l.framer.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
		return false
	case "closed":
		return false
	case "closed-within":
		return l.begin() && l.data(false, answer[:7]) && false
	case "html":
		return l.headers(false, ":status", "200", "content-type", "text/html") && l.data(true, []byte("<html>sign in</html>"))
	case "grpc-web":
		return l.headers(false, ":status", "200", "content-type", "application/grpc-web") && l.data(false, answer) && l.well()
	case "redirect":
		return l.headers(true, ":status", "302", "location", "http://127.0.0.1:1/")
	case "status-503":
		return l.headers(true, ":status", "503")
	case "status-403":
		return l.headers(true, ":status", "403")
	case "many-headers": // more than anybody keeps
		pairs := []string{":status", "200", "content-type", "application/grpc"}
		for range 200 {
			pairs = append(pairs, "x-more", strings.Repeat("x", 4000))
		}
		return l.headers(false, pairs...) && l.data(false, answer) && l.well()
	case "silent":
		return true
	case "drip": // a byte now and then, and never an end
		ok := l.begin() && l.data(false, []byte{0, 0, 1, 0, 0})
		for ok {
			time.Sleep(20 * time.Millisecond)
			ok = l.data(false, []byte{0})
		}
		return false
	case "endless": // one message after the other
		ok := l.begin()
		for ok {
			ok = l.data(false, answer)
		}
		return false
	}
	return l.headers(true, ":status", "200", "content-type", "application/grpc", "grpc-status", "3", "grpc-message", "no such script")
}
