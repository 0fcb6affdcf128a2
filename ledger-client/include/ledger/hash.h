/* This computes SHA-256 over several pieces, for what the ledger client hashes itself. It keeps no
 * keys. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"

emr_id32 emr_sha256_of(const emr_bytes *pieces, size_t n);
