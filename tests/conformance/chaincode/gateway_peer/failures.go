package main

// The answers of a gateway of Fabric v3.1.5 to what fails, in its own words and codes.

import (
	"context"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type failure struct {
	code    codes.Code
	message string
	detail  string
}

const seeDetails = "failed to endorse transaction, see attached details for more info"

var failures = map[string]failure{
	"refused":       {codes.Unknown, "evaluate call to endorser returned error: chaincode response 400, refused 23: not authorised", ""},
	"chaincode":     {codes.Unknown, "evaluate call to endorser returned error: chaincode response 500, no function", ""},
	"busy":          {codes.Unknown, "too many requests for /gateway.Gateway, exceeding concurrency limit (500)", ""},
	"identity":      {codes.FailedPrecondition, "evaluate call to endorser returned error: error validating proposal: access denied: channel [emrfs] creator org [OrgA]", ""},
	"org-unknown":   {codes.FailedPrecondition, "error validating proposal: access denied: channel [emrfs] creator org unknown, creator is malformed", ""},
	"no-peers":      {codes.FailedPrecondition, "no combination of peers can be derived which satisfy the endorsement policy: no layouts", ""},
	"no-evaluators": {codes.FailedPrecondition, "no peers available to evaluate chaincode emrfs in channel emrfs", ""},
	"no-endorsers":  {codes.Unavailable, "failed to find any endorsing peers for org(s): OrgB", ""},
	"precondition":  {codes.FailedPrecondition, "chaincode emrfs not found", ""},
	"endorsement":   {codes.Aborted, seeDetails, "error in simulation: something"},
	"endorse-no":    {codes.Aborted, seeDetails, "chaincode response 400, refused 24: conflict"},
	"mismatch":      {codes.Aborted, "failed to assemble transaction: ProposalResponsePayloads do not match", ""},
	"mismatch-at":   {codes.Aborted, "failed to collect enough transaction endorsements, see attached details for more info", "ProposalResponsePayloads do not match"},
	"duplicate":     {codes.Aborted, seeDetails, "error validating proposal: duplicate transaction found [a0]. Creator [b0]"},
	"not-spread":    {codes.Aborted, seeDetails, "error in simulation: failed to distribute private collection, txID a0, channel emrfs: could not build private data dissemination plan"},
	"too-large":     {codes.Aborted, "received unsuccessful response from orderer: status=BAD_REQUEST, info=message payload is 10605719 bytes and exceeds maximum allowed 10485760 bytes", ""},
	"too-large-bft": {codes.Unavailable, "insufficient number of orderers could successfully process transaction to satisfy quorum requirement", "received unsuccessful response from orderer: status=BAD_REQUEST, info=message payload is 10605719 bytes and exceeds maximum allowed 10485760 bytes"},
	"orderer":       {codes.Aborted, "received unsuccessful response from orderer: status=BAD_REQUEST, info=channel does not exist", ""},
	"clock":         {codes.Unavailable, "request unauthorized due to incorrect timestamp 2001, peer time 2026, peer.authentication.timewindow 15m0s", ""},
	"expired":       {codes.Unavailable, "proposal client identity expired", ""},
	"unavailable":   {codes.Unavailable, "no orderers could successfully process transaction", "received unsuccessful response from orderer: status=SERVICE_UNAVAILABLE"},
	"permission":    {codes.PermissionDenied, "failed evaluating policy on signed data", ""},
	"argument":      {codes.InvalidArgument, "a signed proposal is required", ""},
	"unimplemented": {codes.Unimplemented, "unknown service gateway.Gateway", ""},
	"slow":          {codes.DeadlineExceeded, "evaluate timeout expired", ""},
	"exhausted":     {codes.ResourceExhausted, "grpc: received message larger than max", ""},
	"other":         {codes.DataLoss, "what nobody knows", ""},
}

func fail(ctx context.Context, name string) error {
	if name == "silent" { // until the caller's time is over
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	}
	found, is := failures[name]
	if !is {
		return status.Error(codes.InvalidArgument, "no such failure")
	}
	said := status.New(found.code, found.message)
	if found.detail != "" {
		more, err := said.WithDetails(&gateway.ErrorDetail{Address: "peer.org-b:7051", MspId: "OrgB", Message: found.detail})
		if err != nil {
			return err
		}
		said = more
	}
	return said.Err()
}
