// The chaincode of an emrfs network as a server of its own, which each organisation's peer calls (chaincode as a service).
package main

import (
	"log"
	"time"

	ledger "emrfs.invalid/chaincode"
)

func main() { log.Fatal(ledger.Serve(ledger.Chaincode{Clock: time.Now})) }
