"""Who serves copies: clients of CDNs and buckets behind one protocol (`base`).

    cloudinary.py          Cloudinary, by its upload API; its signatures in cloudinary_signing.py
    bunny.py               Bunny's storage zones
    bucket.py              S3, Google, Azure, a local folder; what objects need in bucket_objects.py
    http.py                requests, patience, and what goes wrong, for those that speak HTTP
    saying.py              what is repeated of a far side's words, secrets removed

None of them ever overwrites a picture, and none believes that a copy lies there until the far side
has told its size and hash.
"""
