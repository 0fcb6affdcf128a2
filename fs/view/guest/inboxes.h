/* Inboxes of others in which this person may leave records because he has their cards: each is a
 * share of its owner's that accepts new files and shows nothing.  It refuses to keep one open when
 * the card or the own role does not carry it any more. */
#pragma once

#include "shared.h"

/* Of the worker, without view->lock: looks again when the list says that it may be another. */
void inboxes_turn(emr_view *view);
