package ledger

import (
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
)

// Serve answers the peers that call, as the environment says: CHAINCODE_ID is the id of the installed package,
// CHAINCODE_SERVER_ADDRESS where the peer finds it.  With CHAINCODE_TLS_CERT, CHAINCODE_TLS_KEY and CHAINCODE_CLIENT_CA, names of
// files, it speaks to that organisation's peer alone.
func Serve(chaincode shim.Chaincode) error {
	tls := shim.TLSProperties{Disabled: os.Getenv("CHAINCODE_TLS_CERT") == ""}
	for name, into := range map[string]*[]byte{"CHAINCODE_TLS_CERT": &tls.Cert, "CHAINCODE_TLS_KEY": &tls.Key,
		"CHAINCODE_CLIENT_CA": &tls.ClientCACerts} {
		if tls.Disabled {
			break
		}
		content, err := os.ReadFile(os.Getenv(name))
		if err != nil {
			return err
		}
		*into = content
	}
	server := shim.ChaincodeServer{CCID: os.Getenv("CHAINCODE_ID"), Address: os.Getenv("CHAINCODE_SERVER_ADDRESS"), CC: chaincode,
		TLSProps: tls}
	return server.Start()
}
