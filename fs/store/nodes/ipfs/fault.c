/* This file names the faults of nodes. It decides nothing about them. */
#include "ipfs/fault.h"

static const struct {
	const char *name;
	emr_status status;
} faults[EMR_IPFS_FAULT_COUNT] = {[EMR_IPFS_FINE] = {"", EMR_OK},
#define X(constant, fault_name, fault_status)                                                      \
	[constant] = {.name = fault_name, .status = fault_status},
	EMR_IPFS_FAULTS(X)
#undef X
};

const char *emr_ipfs_fault_name(emr_ipfs_fault fault)
{
	return fault < EMR_IPFS_FAULT_COUNT ? faults[fault].name : "";
}

emr_status emr_ipfs_fault_status(emr_ipfs_fault fault)
{
	return fault < EMR_IPFS_FAULT_COUNT ? faults[fault].status : EMR_INVALID;
}
