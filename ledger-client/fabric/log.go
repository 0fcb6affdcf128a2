package main

import (
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/proto"
)

const (
	answerMax = 4 << 20 // bytes of arguments, about
	blocksMax = 2000    // that one answer looks at
)

// logged is a transaction of the contract as a verified block has it (FORMAT.md).
type logged struct {
	Block       uint64   `json:"block"`
	Index       uint64   `json:"index"`
	ID          string   `json:"id"`
	Validity    int32    `json:"validity"`
	Time        int64    `json:"time"`
	Nanos       int32    `json:"nanos"`
	Function    string   `json:"function"`
	Args        [][]byte `json:"args"`
	Writes      bool     `json:"writes"`
	Status      int32    `json:"status"`
	Answer      []byte   `json:"answer,omitempty"`
	Event       *event   `json:"event,omitempty"`
	MSP         string   `json:"msp"`
	Certificate string   `json:"certificate"`
}

type event struct {
	Name    string `json:"name"`
	Payload []byte `json:"payload"`
}

// logAnswer is a stretch of the log, and where the next begins.
type logAnswer struct {
	Block        uint64   `json:"block"`
	Index        uint64   `json:"index"`
	Height       uint64   `json:"height"`
	Genesis      string   `json:"genesis"`
	Transactions []logged `json:"transactions"`
}

// log answers the transactions of a contract from block BLOCK, transaction INDEX on.
func (c *chain) log(chaincode string, block, index uint64) (*logAnswer, error) {
	height, _ := c.served()
	answer := &logAnswer{Block: block, Index: index, Height: height, Genesis: c.genesisHash(), Transactions: []logged{}}
	size := 0
	for looked := 0; answer.Block < height && looked < blocksMax && size < answerMax; looked++ {
		b, err := c.ledger.GetBlockByNumber(answer.Block)
		if err != nil {
			return nil, err
		}
		codes := codesOf(b)
		if len(codes) != len(b.Data.Data) {
			return nil, fmt.Errorf("block %d has %d codes for %d transactions", answer.Block, len(codes), len(b.Data.Data))
		}
		for ; answer.Index < uint64(len(codes)) && size < answerMax; answer.Index++ {
			data := b.Data.Data[answer.Index]
			if found := loggedOf(data, chaincode); found != nil && (size == 0 || size+len(data) <= answerMax) {
				found.Block, found.Index, found.Validity = answer.Block, answer.Index, int32(codes[answer.Index])
				answer.Transactions = append(answer.Transactions, *found)
				size += len(data)
			} else if found != nil {
				return answer, nil
			}
		}
		if answer.Index >= uint64(len(codes)) {
			answer.Block, answer.Index = answer.Block+1, 0
		}
	}
	return answer, nil
}

// loggedOf reads a transaction; nil where it is none of this contract, or one that nobody can read.
func loggedOf(data []byte, chaincode string) *logged {
	envelope, payload := &common.Envelope{}, &common.Payload{}
	if proto.Unmarshal(data, envelope) != nil || proto.Unmarshal(envelope.Payload, payload) != nil {
		return nil
	}
	header, err := protoutil.UnmarshalChannelHeader(payload.GetHeader().GetChannelHeader())
	if err != nil || common.HeaderType(header.Type) != common.HeaderType_ENDORSER_TRANSACTION {
		return nil
	}
	by, err := protoutil.UnmarshalSignatureHeader(payload.GetHeader().GetSignatureHeader())
	if err != nil {
		return nil
	}
	maker, err := protoutil.UnmarshalSerializedIdentity(by.Creator)
	if err != nil {
		return nil
	}
	found, err := actionOf(payload)
	if err != nil {
		return nil
	}
	carried, called := &peer.ChaincodeProposalPayload{}, &peer.ChaincodeInvocationSpec{}
	if proto.Unmarshal(found.proposal, carried) != nil || proto.Unmarshal(carried.Input, called) != nil {
		return nil
	}
	// Endorsers run, and validators judge by, the name in the header; the one beside the arguments proves nothing.
	of, err := protoutil.UnmarshalChaincodeHeaderExtension(header.Extension)
	args := called.GetChaincodeSpec().GetInput().GetArgs()
	if err != nil || of.GetChaincodeId().GetName() != chaincode || found.result.GetChaincodeId().GetName() != chaincode || len(args) == 0 {
		return nil
	}
	writes, err := hasWrites(found.result)
	if err != nil {
		return nil
	}
	l := &logged{ID: header.TxId, Time: header.GetTimestamp().GetSeconds(), Nanos: header.GetTimestamp().GetNanos(), Function: string(args[0]), Args: args[1:],
		Writes: writes, Status: found.result.GetResponse().GetStatus(), Answer: found.result.GetResponse().GetPayload(),
		MSP: maker.Mspid, Certificate: string(maker.IdBytes)}
	if e := (&peer.ChaincodeEvent{}); len(found.result.GetEvents()) > 0 && proto.Unmarshal(found.result.Events, e) == nil {
		l.Event = &event{e.EventName, e.Payload}
	}
	return l
}
