/* CARD on the command line: a file, "-", or the text of its QR code.  It refuses what is no card,
 * and reads nothing of what it says. */
#pragma once

#include "kit/frame.h"
#include "kit/message.h"

/* Into REQUEST's card.  Errors are said. */
emr_status emr_card_argument(const char *from, emr_request *request, emr_problem *out_problem);
