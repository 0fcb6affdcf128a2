/* What the files of this module share: the handle, batches on their way, and reading the own copy
 * of the ledger.  It refuses parts that do not belong to their item. */
#pragma once

#include "contract/codes.h"
#include "contract/item.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "ledger/act.h"
#include "ledger/hash.h"
#include "share/share.h"

#define SHARE_GEN 1u /* of a domain's signing key; rotation is not done here yet */

struct emr_share {
	emr_share_options o;
	emr_id16 net_id;
	emr_public me;
	uint8_t refusal;
};

uint64_t share_now(const emr_share *share);
emr_status share_catch_up(emr_share *share);

/* ---- parcel.c: one batch on its way ---- */

typedef struct parcel {
	emr_share *share;
	emr_batch_builder *batch;
	emr_id32 signer;
	uint64_t now;
	emr_buf item, part; /* of the operation in hand */
} parcel;

emr_status parcel_begin(emr_share *share, emr_signer who, parcel *out);
void parcel_end(parcel *p);
#define AUTO_PARCEL __attribute__((cleanup(parcel_end))) parcel
/* ACT continues its row; p->item becomes the item to seal a part for, p->part is emptied. */
emr_status parcel_prepare(parcel *p, emr_act *act);
/* The same for an act whose version and prev are set already. */
emr_status parcel_item(parcel *p, const emr_act *act);
/* ACT with p->part. */
emr_status parcel_add(parcel *p, const emr_act *act, emr_id32 *out_id);
/* Signs, sends, follows.  EMR_CONFLICT, EMR_EPOCH, EMR_DENIED, EMR_REFUSED by the first item that
 * was refused (the others stand), whose code is kept. */
emr_status parcel_send(parcel *p);

/* ---- facts.c: the own copy ---- */

emr_status share_domain(emr_share *share, emr_id16 domain, emr_row_domain *out);
/* EMR_DENIED unless the domain's key grows from this keyring; *out_public is of the present epoch.
 */
emr_status share_own_domain(
	emr_share *share, emr_id16 domain, emr_row_domain *out_row, emr_domain_public *out_public);
emr_status share_epoch(emr_share *share, emr_id16 domain, uint32_t epoch, uint8_t out_A[32]);
emr_status share_item(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_buf *bytes, emr_replica_item *out);
emr_status share_part(emr_share *share, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_buf *out);
/* The signing key behind SIGNER: the domain's, or a registered one's. */
emr_status share_signer_pk(
	emr_share *share, const emr_row_domain *row, emr_id32 signer, uint8_t out_pk[32]);

/* A grant with its present terms and what its part shows in public. */
typedef struct grant_facts {
	emr_known_grant known;
	emr_grant_terms terms;
	emr_buf item, part;
	emr_grant_part read;
} grant_facts;
/* EMR_NOT_FOUND. */
emr_status share_grant_facts(emr_share *share, emr_id16 domain, emr_id16 grant, grant_facts *out);
void grant_facts_free(grant_facts *facts);
#define AUTO_GRANT_FACTS __attribute__((cleanup(grant_facts_free))) grant_facts

/* Something that can be asked for: a content or a listing key. */
typedef struct capsule_facts {
	uint32_t epoch;
	uint8_t A[32], ctx[32], capsule[EMR_CAPSULE_BYTES];
	uint8_t wdek[EMR_WDEK_BYTES]; /* content */
	uint8_t kcheck[32];	      /* listing */
	emr_id32 writer;	      /* listing */
	emr_id32 item_id;
	uint64_t ledger_time;
	uint8_t op;
} capsule_facts;
/* EMR_NOT_FOUND: there is no such thing (any more). */
emr_status share_capsule(
	emr_share *share, emr_id16 domain, const emr_access_slot *slot, capsule_facts *out);

/* One live object, described. */
typedef struct record_facts {
	emr_replica_head head;
	emr_id32 signer;
	uint32_t described_in; /* epoch of the item that describes it */
	emr_buf plain, put_bytes;
	emr_meta meta;	  /* points into plain */
	emr_put_part put; /* when head.pversion is not 0; points into put_bytes */
	uint16_t put_flags;
	uint32_t put_epoch;
	emr_id32 put_signer;
} record_facts;
typedef emr_status (*list_key_fn)(void *arg, emr_id32 listkey_id, const emr_list_key **out);
/* EMR_DENIED is what KEYS says when it has no such key.  OUT is zeroed memory or used before. */
emr_status share_record(emr_share *share, const emr_replica_head *head, list_key_fn keys, void *arg,
	record_facts *out);
void record_facts_free(record_facts *facts);
#define AUTO_RECORD __attribute__((cleanup(record_facts_free))) record_facts

/* Listing keys of one domain: calls FN for each that anybody published. */
typedef struct published_key {
	emr_id16 object;
	emr_id32 listkey_id, writer;
	uint32_t epoch;
	uint64_t version;
} published_key;
typedef emr_status (*published_key_fn)(void *arg, const published_key *key);
emr_status share_list_keys(emr_share *share, emr_id16 domain, published_key_fn fn, void *arg);

/* ---- agents.c ---- */

/* Up to three, of organisations that are neither the owner's nor the grantee's, one each. */
emr_status share_choose_agents(emr_share *share, const emr_known_person *grantee,
	emr_id32 out_agents[EMR_AGENTS_MAX], unsigned *out_n);
/* With their present receiving keys. */
emr_status share_agents(
	emr_share *share, const emr_id32 *ids, unsigned n, emr_agent out[EMR_AGENTS_MAX]);

/* ---- epoch.c, rewrap.c ---- */

/* Adds KFRAGS of EPOCH to P; VERSION and PREV go on with it. */
emr_status share_add_fragments(parcel *p, const emr_grant_terms *terms, const uint8_t B[32],
	const emr_agent *agents, uint32_t epoch, uint64_t *version, emr_id32 *prev);
/* The owner's listing key of EPOCH goes into P unless the ledger has it. */
emr_status share_add_list_key(parcel *p, emr_id16 domain, uint32_t epoch);
/* All live records of DOMAIN into an epoch that knows nothing else; *out_n = wrapped again. */
emr_status share_hide_past(emr_share *share, emr_id16 domain, uint64_t *out_n);
