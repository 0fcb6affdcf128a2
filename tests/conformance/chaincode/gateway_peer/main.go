// gateway_peer plays the gateway of a peer for the tests of the C client, on others' code: Fabric's own message types and grpc-go.
//
//	gateway_peer serve DIR     an honest gateway, lying ones and failing ones, one a channel name; the ports are printed, and certificates
//	                           put in DIR; ends when its standard input does
//	gateway_peer network DIR CA [MSP=CAS]...
//	                           a network that runs the contract, for the certificates of the CA in the file CA, and for those of the other
//	                           MSPs, whose files may have several CAs; files may come later.  DIR/settings, for the first MSP, is there
//	                           when it answers; ends when its standard input does
//	gateway_peer reads READER SECONDS [SEED]
//	                           compares what Fabric's types and Go's libraries make of odd transactions with what the program READER does
//	gateway_peer garble SEED   payloads of transactions come, each is written as a hostile member could, and goes
//	gateway_peer vectors       known answers for the unit tests, as JSON: the same bytes every time
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		if err = serve(os.Args[2]); err == nil {
			_, err = io.Copy(io.Discard, os.Stdin)
		}
	case len(os.Args) >= 4 && os.Args[1] == "network":
		if err = network(os.Args[2], os.Args[3], os.Args[4:]); err == nil {
			_, err = io.Copy(io.Discard, os.Stdin)
		}
	case len(os.Args) >= 4 && os.Args[1] == "reads":
		seed := uint64(time.Now().UnixNano())
		seconds, bad := strconv.Atoi(os.Args[3])
		if bad == nil && len(os.Args) > 4 {
			seed, bad = strconv.ParseUint(os.Args[4], 10, 64)
		}
		if err = bad; err == nil {
			err = compareReads(os.Args[2], seconds, seed)
		}
	case len(os.Args) == 3 && os.Args[1] == "garble":
		var seed uint64
		if seed, err = strconv.ParseUint(os.Args[2], 10, 64); err == nil {
			err = garble(seed, os.Stdin, os.Stdout)
		}
	case len(os.Args) == 2 && os.Args[1] == "vectors":
		err = writeVectors(os.Stdout)
	default:
		fmt.Fprintln(os.Stderr, "usage: gateway_peer serve DIR | network DIR CA [MSP=CAS]... | reads READER SECONDS [SEED] | garble SEED | vectors")
		os.Exit(2)
	}
	if err != nil {
		log.Fatal(err)
	}
}
