/* Tests that many pay or join at once share this kit: the only member of a network makes points for
 * himself, calls a dataset that pays, and folders of his join it. */
#pragma once

#include "ledger/act.h"
#include "ledger_kit.h"

/* The owner's act, which must be applied. */
void points_say(kit *k, emr_replica *replica, emr_act act, emr_bytes part);
/* He agrees with himself, and makes POINTS for himself. */
void points_mint(kit *k, emr_replica *replica, uint64_t points);
/* At PRICE points a folder. */
emr_id16 points_dataset(kit *k, emr_replica *replica, uint64_t price);
/* DOMAIN is granted to DATASET and joins it; the owner is paid. */
void points_join_into(kit *k, emr_batch_builder *b, emr_id16 domain, emr_id16 dataset);
