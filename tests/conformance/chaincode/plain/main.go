// The chaincode of emrfs with one function more, for the benchmark alone: what does the contract cost?
//
//	write SUBMITTER BATCH    new records are written as register writes them: the same rows, parts, event and answer.  Nothing is read,
//	                         verified or decided, and no C is called
//
// It stands beside register in one process, so that both are measured in the same run, on the same network, through the same peers.
// bench_gateway compares the rows that both leave.  Nobody reads blocks with this function in them as entries.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log"
	"time"

	ledger "emrfs.invalid/chaincode"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

const (
	headerBytes = 208
	signedBytes = 144 // of the header, without its signature
	itemBytes   = 160 // of a save, which has no public part
	applied     = 1   // what became of the batch
)

type plain struct{ ledger.Chaincode }

func (p plain) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	args := stub.GetArgs()
	if len(args) != 3 || string(args[0]) != "write" {
		return p.Chaincode.Invoke(stub)
	}
	answer, err := write(stub, args[2])
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(answer)
}

func write(stub shim.ChaincodeStubInterface, batch []byte) ([]byte, error) {
	if len(batch) < headerBytes || (len(batch)-headerBytes)%itemBytes != 0 {
		return nil, errors.New("no batch of saves")
	}
	transient, err := stub.GetTransient()
	if err != nil {
		return nil, err
	}
	header, items, parts := batch[:headerBytes], batch[headerBytes:], transient["parts"]
	id := sha256.Sum256(header[:signedBytes])
	results := make([]byte, len(items)/itemBytes) // 0: applied
	stub.StartWriteBatch()
	for i := range results {
		item := items[i*itemBytes : (i+1)*itemBytes]
		length := int(binary.BigEndian.Uint32(item[124:]))
		if length > len(parts) {
			return nil, errors.New("there are fewer parts than items")
		}
		if err := writeItem(stub, id[:], uint16(i), item, parts[:length]); err != nil {
			return nil, err
		}
		parts = parts[length:]
	}
	row := append(append(append([]byte{}, header...), results...), items...)
	if err := stub.PutState("b/"+hex.EncodeToString(id[:]), row); err != nil {
		return nil, err
	}
	if err := stub.FinishWriteBatch(); err != nil {
		return nil, err
	}
	return append([]byte{applied}, results...), stub.SetEvent("batch", append(id[:], results...))
}

func writeItem(stub shim.ChaincodeStubInterface, id []byte, index uint16, item, part []byte) error {
	domain, object, version, epoch := item[8:24], item[24:40], item[40:48], item[120:124]
	itself := sha256.Sum256(item)
	inDomain := "/" + hex.EncodeToString(domain) + "/" + hex.EncodeToString(object)
	place := "/20" + inDomain + "/" + hex.EncodeToString(version)

	row := append([]byte{0x20, 1, 0, 0}, epoch...) // family, state, flags
	row = append(append(row, version...), itself[:]...)
	row = append(row, item[80:112]...) // its creator is its signer
	row = append(append(row, version...), itself[:]...)
	err := stub.PutState("O"+inDomain, row)
	if err == nil {
		err = stub.PutPrivateData("parts", "p"+place, part)
	}
	if err == nil {
		err = stub.PutState("i"+place, binary.BigEndian.AppendUint16(append([]byte{}, id...), index))
	}
	if err == nil {
		err = stub.PutState("c/"+hex.EncodeToString(domain), id)
	}
	return err
}

func main() { log.Fatal(ledger.Serve(plain{ledger.Chaincode{Clock: time.Now}})) }
