/*
 * The numbers of protocol/README.md. Formats are bounded by these; a server may set lower ones.
 */
#ifndef QR_CODEC_LIMITS_H
#define QR_CODEC_LIMITS_H

#define QR_FRAME_MAX (512 * 1024)       /* bytes of one WebSocket message */
#define QR_BATCH_MAX (256 * 1024)       /* bytes of one batch */
#define QR_CHANGE_MAX (64 * 1024)       /* bytes of one change's ciphertext */
#define QR_CHANGES_MAX 64               /* changes in a batch */
#define QR_DEPS_MAX 32                  /* dependencies of a batch */
#define QR_BLOBS_MAX 8                  /* blob addresses of a change */
#define QR_DEVICES_MAX 20               /* active devices of a user */
#define QR_CHAINS_MAX 1000              /* writer chains of a user (docs/decisions: until manifests) */
#define QR_RECORD_MAX (64 * 1024)       /* bytes of one roster record */
#define QR_RECORDS_MAX 1024             /* records of a roster */
#define QR_ROSTER_MAX (256 * 1024)      /* bytes of a roster */
#define QR_APPEND_MAX 8                 /* records of one append */
#define QR_MSGPACK_DEPTH_MAX 4
#define QR_MSGPACK_ARRAY_MAX 1024
#define QR_HOST_MAX 255                 /* bytes of a host name with port */
#define QR_PAIR_DATA_MAX (20 * 1024)    /* bytes of a pairing message */

#endif
