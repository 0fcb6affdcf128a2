/* An identity whose key lies in an MSP directory, as Fabric's own tools make one. */
#pragma once

#include "gateway/identity.h"

/* The only file of DIR/signcerts and the only one of DIR/keystore, both PEM: P-256 or Ed25519. */
emr_status msp_identity(const char *dir, const char *msp_id, emr_gateway_identity **out_identity);
