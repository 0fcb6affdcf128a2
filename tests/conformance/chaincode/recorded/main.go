// The chaincode of emrfs as it is, but for two things that a recorded batch brings along: who submits it, and what time it is.
// Each world of rows has a prefix of its own, so that thousands of batches can be judged side by side.  For tests alone: whoever
// may call it may write any row.
//
//	seed WORLD KEY VALUE...          rows as the contract has them; a key that begins with p/ brings the hash that it asks for
//	judge WORLD CALLER NOW BATCH     as register does; CALLER in JSON, private parts as "parts" of the transient map
//	part WORLD KEY                   the part, and the hash that this peer has of it
//	range FROM TO                    as in the chaincode
package main

import (
	"encoding/json"
	"log"
	"strconv"

	ledger "emrfs.invalid/chaincode"
	"emrfs.invalid/tests/conformance/chaincode/record"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type recorded struct{ ledger.Chaincode }

func (r recorded) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	args := stub.GetArgs()
	switch {
	case len(args) >= 2 && len(args)%2 == 0 && string(args[0]) == "seed":
		return seed(world{stub, string(args[1])}, args[2:])
	case len(args) == 3 && string(args[0]) == "part":
		return part(world{stub, string(args[1])}, string(args[2]))
	case len(args) == 5 && string(args[0]) == "judge":
		return judge(world{stub, string(args[1])}, args[2], string(args[3]), args[4])
	}
	return r.Chaincode.Invoke(stub)
}

func seed(to world, rows [][]byte) *peer.Response {
	for i := 0; i < len(rows); i += 2 {
		if err := to.PutState(string(rows[i]), ledger.Stored(rows[i+1])); err != nil {
			return shim.Error(err.Error())
		}
	}
	return shim.Success(nil)
}

func part(in world, key string) *peer.Response {
	collection := ledger.Collection(key)
	parts, err := in.stub.GetMultiplePrivateData(collection, in.prefix+key)
	if err != nil {
		return shim.Error(err.Error())
	}
	hash, err := in.GetPrivateDataHash(collection, key)
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(ledger.AppendValue(ledger.AppendValue(nil, parts[0]), hash))
}

func judge(in world, callerJSON []byte, now string, batch []byte) *peer.Response {
	var caller record.Caller
	time, err := strconv.ParseUint(now, 10, 64)
	if err == nil {
		err = json.Unmarshal(callerJSON, &caller)
	}
	transient, wrong := in.stub.GetTransient()
	if err != nil || wrong != nil {
		return shim.Error("what was recorded cannot be read")
	}
	run, err := ledger.NewRun(append(append([]byte{}, batch...), transient["parts"]...))
	if err != nil {
		return shim.Error(err.Error())
	}
	defer run.Free()
	if err := bring(run, caller); err != nil {
		return shim.Error(err.Error())
	}
	return run.Judge(in, time)
}

func bring(run *ledger.Run, caller record.Caller) error {
	if err := run.Caller(caller.Host, caller.Net, caller.Submitter); err != nil {
		return err
	}
	if cert := caller.Cert; cert != nil {
		if err := run.Certificate(cert.Ref, cert.Org, cert.Enrolment, cert.Roles, cert.NotAfter, cert.Alg, cert.Key); err != nil {
			return err
		}
	}
	var results []byte
	if caller.Recorded != nil {
		results = *caller.Recorded
	}
	return run.Replay(caller.Seen, results)
}

// A world is the rows below a prefix.
type world struct {
	stub   shim.ChaincodeStubInterface
	prefix string
}

func (w world) GetMultipleStates(keys ...string) ([][]byte, error) {
	own := make([]string, len(keys))
	for i, key := range keys {
		own[i] = w.prefix + key
	}
	return w.stub.GetMultipleStates(own...)
}
func (w world) GetPrivateDataHash(collection, key string) ([]byte, error) {
	return w.stub.GetPrivateDataHash(collection, w.prefix+key)
}
func (w world) PartHash(key string) ([]byte, error) {
	seeded, err := w.stub.GetState(w.prefix + key)
	if err != nil || len(seeded) > 0 {
		return seeded, err
	}
	return ledger.PartHash(w, key)
}
func (w world) PutState(key string, value []byte) error { return w.stub.PutState(w.prefix+key, value) }
func (w world) DelState(key string) error               { return w.stub.DelState(w.prefix + key) }
func (w world) PutPrivateData(collection, key string, value []byte) error {
	return w.stub.PutPrivateData(collection, w.prefix+key, value)
}
func (w world) PurgePrivateData(collection, key string) error {
	return w.stub.PurgePrivateData(collection, w.prefix+key)
}
func (w world) StartWriteBatch()                           { w.stub.StartWriteBatch() }
func (w world) FinishWriteBatch() error                    { return w.stub.FinishWriteBatch() }
func (w world) SetEvent(name string, payload []byte) error { return w.stub.SetEvent(name, payload) }

func main() { log.Fatal(ledger.Serve(recorded{})) }
