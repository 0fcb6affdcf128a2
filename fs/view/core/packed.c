/* This file puts where a record stands on the ledger into half the memory, and takes it out again
 * without loss. Values that are the same for nearly all records are left away: the object is the
 * node's id, and so is the record's until it moves to another domain; a version, while a ledger has
 * less than five hundred million, takes 29 bits; a padded length has few digits. */
#include "packed.h"

#include <string.h>

#define MOVE_SHIFT 29 /* of the number of moves ago, above the version */
#define PADDED_BITS 26

static bool version_fits(uint64_t version)
{
	return (version & ~EMR_VERSION_ANNEX) >> MOVE_SHIFT == 0;
}

static uint32_t pack_version(uint64_t version)
{
	return (uint32_t)version | (uint32_t)(version / EMR_VERSION_MOVE) << MOVE_SHIFT;
}

uint64_t packed_version(uint32_t packed)
{
	return (packed & ((UINT32_C(1) << MOVE_SHIFT) - 1)) |
	       (packed >> MOVE_SHIFT) * EMR_VERSION_MOVE;
}

/* A padded length is one less than a number with few digits. */
static uint32_t pack_padded(uint64_t padded)
{
	uint64_t round = padded + 1;
	uint32_t shift = 0;

	for (; round >> PADDED_BITS != 0; round >>= 1)
		shift++;
	return shift << PADDED_BITS | (uint32_t)round;
}

static uint64_t open_padded(uint32_t packed)
{
	const uint64_t digits = packed & ((UINT32_C(1) << PADDED_BITS) - 1);

	return (digits << (packed >> PADDED_BITS)) - 1;
}

static emr_cid root_of(const uint8_t digest[32], bool has_content)
{
	return has_content ? emr_cid_of_digest(EMR_CODEC_DAG_PB, digest) : (emr_cid){{0}};
}

bool packed_fits(const emr_place *place, emr_id16 id)
{
	const emr_cid root = root_of(emr_cid_digest(&place->root), place->pversion != 0);

	return emr_id16_equal(place->object, id) && emr_cid_equal(&place->root, &root) &&
	       version_fits(place->version) && version_fits(place->pversion) &&
	       place->cver <= UINT32_MAX &&
	       open_padded(pack_padded(place->padded)) == place->padded;
}

emr_id16 packed_record(const packed_place *packed, emr_id16 id)
{
	return packed->pversion != 0 ? id : (emr_id16){{0}};
}

packed_place packed_of(const emr_place *place)
{
	packed_place packed = {.version = pack_version(place->version),
		.pversion = pack_version(place->pversion),
		.cver = (uint32_t)place->cver,
		.padded = pack_padded(place->padded)};

	memcpy(packed.root, emr_cid_digest(&place->root), sizeof packed.root);
	memcpy(packed.r_pid, place->r_pid, sizeof packed.r_pid);
	return packed;
}

emr_place packed_open(const packed_place *packed, emr_id16 domain, emr_id16 object, emr_id16 record)
{
	emr_place place = {.domain = domain,
		.object = object,
		.record_id = record,
		.version = packed_version(packed->version),
		.pversion = packed_version(packed->pversion),
		.cver = packed->cver,
		.padded = open_padded(packed->padded),
		.root = root_of(packed->root, packed->pversion != 0)};

	memcpy(place.r_pid, packed->r_pid, sizeof place.r_pid);
	return place;
}
