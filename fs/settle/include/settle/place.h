/* This reads and writes the bytes of an emr_place (where a record stands on the ledger) in journal
 * rows. It refuses nothing but bytes that are too few. */
#pragma once

#include "base/codec.h"
#include "settle/facts.h"

void emr_place_write(emr_writer *w, const emr_place *place);
/* A short or damaged input leaves the reader bad. */
void emr_place_read(emr_reader *r, emr_place *out_place);
