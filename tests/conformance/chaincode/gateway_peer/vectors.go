package main

// Known answers: a proposal by fixed nonce and time, what an honest gateway makes of it, and every lie.

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	vectorChannel   = "emrfs"
	vectorChaincode = "emrfs"
	vectorSeconds   = 1700000000
	vectorNanos     = 123456789
)

func vectorProposal(creator []byte) (proposal []byte, tx string) {
	nonce := hashed([]byte("nonce"))[:24]
	tx = hex.EncodeToString(hashed(nonce, creator))
	id := &peer.ChaincodeID{Name: vectorChaincode}
	header := &common.Header{
		ChannelHeader: encoded(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), ChannelId: vectorChannel, TxId: tx,
			Timestamp: timestamppb.New(time.Unix(vectorSeconds, vectorNanos)), Extension: encoded(&peer.ChaincodeHeaderExtension{ChaincodeId: id})}),
		SignatureHeader: encoded(&common.SignatureHeader{Creator: creator, Nonce: nonce}),
	}
	input := encoded(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: id,
		Input: &peer.ChaincodeInput{Args: [][]byte{[]byte("register"), {}, []byte("batch\x00\xff")}}}})
	return encoded(&peer.Proposal{Header: encoded(header), Payload: encoded(&peer.ChaincodeProposalPayload{Input: input,
		TransientMap: map[string][]byte{"parts": []byte("sealed")}})}), tx
}

func writeVectors(to io.Writer) error {
	proposal, tx := vectorProposal(client.identity())
	made, err := readCall(proposal)
	if err != nil {
		return err
	}
	type told struct {
		Name    string `json:"name"`
		Payload string `json:"payload"`
	}
	payloads := []told{}
	for _, one := range lies {
		payloads = append(payloads, told{one.name, hex.EncodeToString(one.tell(made, []byte("done")))})
	}
	details, err := anypb.New(&gateway.ErrorDetail{Address: "127.0.0.1:7051", MspId: "OrgA", Message: "chaincode response 400, refused 23: not authorised\n"})
	if err != nil {
		return err
	}
	other, err := anypb.New(&common.Envelope{Payload: []byte("of another kind")})
	if err != nil {
		return err
	}
	failed := &status.Status{Code: 10, Message: "see details", Details: []*anypb.Any{other, details, details}}
	commit := encoded(&gateway.CommitStatusRequest{TransactionId: tx, ChannelId: vectorChannel, Identity: client.identity()})
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", " ")
	return encoder.Encode(map[string]any{
		"channel": vectorChannel, "chaincode": vectorChaincode, "seconds": vectorSeconds, "nanos": vectorNanos,
		"nonce": hex.EncodeToString(hashed([]byte("nonce"))[:24]), "args": []string{"7265676973746572", "", "626174636800ff"},
		"transient":   map[string]string{"parts": hex.EncodeToString([]byte("sealed"))},
		"certificate": string(client.pem()), "key": string(client.keyPEM()), "ed25519_certificate": string(clientEd.pem()),
		"ed25519_key": string(clientEd.keyPEM()), "msp_id": client.mspID, "authorities": []string{"OrgA", string(caA.pem()), "OrgB", string(caB.pem())},
		"stranger_certificate": string(stranger.pem()), "creator": hex.EncodeToString(client.identity()), "tx_id": tx, "proposal": hex.EncodeToString(proposal),
		"prepared": hex.EncodeToString(made.honest([]byte("done"))), "result": hex.EncodeToString([]byte("done")), "lies": payloads,
		"status_details": hex.EncodeToString(encodedStatus(failed)), "commit_request": hex.EncodeToString(commit),
	})
}

func encodedStatus(failed *status.Status) []byte {
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(failed)
	if err != nil {
		panic(err)
	}
	return out
}
