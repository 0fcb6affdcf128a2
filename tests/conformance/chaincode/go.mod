module emrfs.invalid/tests/conformance/chaincode

go 1.26.5

replace emrfs.invalid/chaincode => ../../../ledger-client/chaincode/go

require (
	emrfs.invalid/chaincode v0.0.0
	github.com/hyperledger/fabric-chaincode-go/v2 v2.3.0
	github.com/hyperledger/fabric-protos-go-apiv2 v0.3.7
	golang.org/x/net v0.41.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250707201910-8d1bb00bc6a7
	google.golang.org/grpc v1.75.0
	google.golang.org/protobuf v1.36.6
)

require (
	golang.org/x/sys v0.33.0 // indirect
	golang.org/x/text v0.26.0 // indirect
)
