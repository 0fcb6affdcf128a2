package main

// Here drive is a client of a real network that examples/network/fabric started: it has every call endorsed by the peers of all
// three organisations, compares what they signed byte for byte, submits it, and waits until it is committed.

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
)

type fabric struct {
	creator   []byte
	key       *ecdsa.PrivateKey
	endorsers []peer.EndorserClient
	gateway   gateway.GatewayClient
}

func dialNetwork(dir string) (network, error) {
	ports, err := os.ReadFile(filepath.Join(dir, "net"))
	if err != nil {
		return nil, err
	}
	f := &fabric{}
	client := filepath.Join(dir, "1", "client", "msp")
	certificate, err := os.ReadFile(filepath.Join(client, "signcerts", "cert.pem"))
	if err != nil {
		return nil, err
	}
	f.creator = encoded(&msp.SerializedIdentity{Mspid: "Emr1MSP", IdBytes: certificate})
	if f.key, err = readKey(filepath.Join(client, "keystore", "key.pem")); err != nil {
		return nil, err
	}
	for _, line := range strings.Fields(string(ports)) {
		name, port, _ := strings.Cut(line, "=")
		org, isPeer := strings.CutPrefix(name, "peer_")
		if !isPeer || len(org) != 1 {
			continue
		}
		tls, err := credentials.NewClientTLSFromFile(filepath.Join(dir, org, "tlsca", "cert.pem"), "")
		if err != nil {
			return nil, err
		}
		connection, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(tls),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(100<<20), grpc.MaxCallSendMsgSize(100<<20)))
		if err != nil {
			return nil, err
		}
		f.endorsers = append(f.endorsers, peer.NewEndorserClient(connection))
		if f.gateway == nil {
			f.gateway = gateway.NewGatewayClient(connection)
		}
	}
	if len(f.endorsers) != 3 {
		return nil, fmt.Errorf("%d peers in %s/net", len(f.endorsers), dir)
	}
	return f, nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no key in " + path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(*ecdsa.PrivateKey), nil
}

// sign gives the low-S form, which alone Fabric takes.
func (f *fabric) sign(message []byte) ([]byte, error) {
	hash := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, f.key, hash[:])
	if err != nil {
		return nil, err
	}
	order := f.key.Curve.Params().N
	if s.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
		s.Sub(order, s)
	}
	return asn1.Marshal(struct{ R, S *big.Int }{r, s})
}

// endorse asks all peers.  A refusal is an answer, too, if all give the same.
func (f *fabric) endorse(proposal *peer.Proposal) ([]*peer.ProposalResponse, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	signed := &peer.SignedProposal{ProposalBytes: encoded(proposal)}
	var err error
	if signed.Signature, err = f.sign(signed.ProposalBytes); err != nil {
		return nil, err
	}
	var all []*peer.ProposalResponse
	for i, endorser := range f.endorsers {
		response, err := endorser.ProcessProposal(ctx, signed)
		if err != nil {
			return nil, fmt.Errorf("organisation %d: %w", i+1, err)
		}
		all = append(all, response)
		if !bytes.Equal(response.Payload, all[0].Payload) || !proto.Equal(response.Response, all[0].Response) {
			return nil, fmt.Errorf("organisation %d says otherwise than the first: %v, %v", i+1, response.Response, all[0].Response)
		}
	}
	return all, nil
}

func (f *fabric) invoke(args [][]byte, transient map[string][]byte) (*peer.Response, error) {
	proposal, tx := propose(f.creator, args, transient)
	endorsed, err := f.endorse(proposal)
	if err != nil {
		return nil, err
	}
	if endorsed[0].Response.Status >= 400 {
		return endorsed[0].Response, nil
	}
	envelope, err := f.transaction(proposal, endorsed)
	if err != nil {
		return nil, err
	}
	return endorsed[0].Response, f.submit(tx, envelope)
}

func (f *fabric) transaction(proposal *peer.Proposal, endorsed []*peer.ProposalResponse) (*common.Envelope, error) {
	var header common.Header
	var call peer.ChaincodeProposalPayload
	if err := proto.Unmarshal(proposal.Header, &header); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(proposal.Payload, &call); err != nil {
		return nil, err
	}
	call.TransientMap = nil
	action := &peer.ChaincodeEndorsedAction{ProposalResponsePayload: endorsed[0].Payload}
	for _, response := range endorsed {
		action.Endorsements = append(action.Endorsements, response.Endorsement)
	}
	payload := encoded(&common.Payload{Header: &header, Data: encoded(&peer.Transaction{Actions: []*peer.TransactionAction{{
		Header:  header.SignatureHeader,
		Payload: encoded(&peer.ChaincodeActionPayload{ChaincodeProposalPayload: encoded(&call), Action: action}),
	}}})})
	signature, err := f.sign(payload)
	return &common.Envelope{Payload: payload, Signature: signature}, err
}

func (f *fabric) submit(tx string, envelope *common.Envelope) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := f.gateway.Submit(ctx, &gateway.SubmitRequest{TransactionId: tx, ChannelId: channel, PreparedTransaction: envelope}); err != nil {
		return err
	}
	request := encoded(&gateway.CommitStatusRequest{TransactionId: tx, ChannelId: channel, Identity: f.creator})
	signature, err := f.sign(request)
	if err != nil {
		return err
	}
	status, err := f.gateway.CommitStatus(ctx, &gateway.SignedCommitStatusRequest{Request: request, Signature: signature})
	if err != nil {
		return err
	}
	if status.Result != peer.TxValidationCode_VALID {
		return fmt.Errorf("transaction %s is %s", tx, status.Result)
	}
	return f.reached(status.BlockNumber)
}

// reached waits until every peer has the block, so that all are asked about the same state.
func (f *fabric) reached(block uint64) error {
	for end := time.Now().Add(patience); ; {
		behind := false
		for _, endorser := range f.endorsers {
			height, err := f.height(endorser)
			if err != nil {
				return err
			}
			behind = behind || height <= block
		}
		if !behind {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("a peer does not reach block %d", block)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (f *fabric) height(endorser peer.EndorserClient) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	proposal, _ := proposeTo("qscc", f.creator, time.Now(), [][]byte{[]byte("GetChainInfo"), []byte(channel)}, nil)
	signed := &peer.SignedProposal{ProposalBytes: encoded(proposal)}
	var err error
	if signed.Signature, err = f.sign(signed.ProposalBytes); err != nil {
		return 0, err
	}
	response, err := endorser.ProcessProposal(ctx, signed)
	if err != nil {
		return 0, err
	}
	var info common.BlockchainInfo
	err = proto.Unmarshal(response.Response.Payload, &info)
	return info.Height, err
}

// list reads what the chaincode answers: length in four bytes, then the bytes.
func (f *fabric) list(args ...[]byte) ([][]byte, error) {
	proposal, _ := propose(f.creator, args, nil)
	answers, err := f.endorse(proposal)
	if err != nil {
		return nil, err
	}
	if answers[0].Response.Status != 200 {
		return nil, errors.New(answers[0].Response.Message)
	}
	var values [][]byte
	for rest := answers[0].Response.Payload; len(rest) >= 4; {
		length := binary.BigEndian.Uint32(rest)
		if rest = rest[4:]; length == 0xffffffff {
			values = append(values, nil)
			continue
		}
		values, rest = append(values, rest[:length:length]), rest[length:]
	}
	return values, nil
}

func (f *fabric) rows(prefix string) (map[string][]byte, error) {
	values, err := f.list([]byte("range"), []byte(prefix), []byte(prefix+"~"))
	found := map[string][]byte{}
	for i := 0; i+1 < len(values); i += 2 {
		found[string(values[i])] = values[i+1]
	}
	return found, err
}

func (f *fabric) part(world, key string) ([]byte, error) {
	values, err := f.list([]byte("part"), []byte(world), []byte(key))
	if err != nil {
		return nil, err
	}
	if len(values[0]) == 0 && len(values[1]) > 0 {
		return nil, errors.New("a part has not come to a peer that endorsed it")
	}
	return values[0], nil
}
