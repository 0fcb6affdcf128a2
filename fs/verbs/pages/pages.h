/* The build makes these from the tables of the program: manual pages, completion, and the rows
 * that doc/manual/contract.md must have. It has no verb or message of its own. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "kit/verbs.h"

/* Each writes one whole page; false when it could not be made (said on stderr). LIMITS is the page
 * with what each verb does not do. */
bool pages_man_verb(FILE *to, const char *verb, const char *limits);
/* TEMPLATE with its lines `.\" @NAME@` replaced by what the tables say; CONTRACT is the page with
 * the tables that only people wrote. */
bool pages_man_fill(FILE *to, const char *template, const char *contract);
bool pages_contract(FILE *to);
/* Writes the tables' texts for people, marked for xgettext. */
bool pages_texts(FILE *to);
bool pages_bash(FILE *to);

/* `emrfs VERB OPERANDS [--option ARGUMENT]` without the verb: the second cell of the contract. */
void pages_usage(FILE *to, emr_verb verb);
