"""From photo to code; read it file by file in the order of the data:

photo        a file's pixels on the sensor grid
extractor    photo -> residual (wavelet: the classical denoiser)
fingerprint  residuals -> the sensor's pattern K
matching     two patterns -> NCC, PCE, probability of a false match
codes        pattern -> keyed code of signs
quality      is a photo fit for any of this?
simulator    virtual cameras with a known K

How good all of that is:

copies       photos recompressed or reduced, as they are found
evaluation   error rates of scores
bootstrap    their intervals
reference    extractors that others published

For claims on single public photos, on the way to a service:

perceptual   photos that look the same among a million
registration where a copy lies on its original's grid
alignment    a copy's residual on that grid
claim_code   which features, by quota, at public positions
claims       template, probe, statistic and its false-match probability
"""
