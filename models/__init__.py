"""From photo to code; read it file by file in the order of the data:

photo        a file's pixels on the sensor grid
extractor    photo -> residual (wavelet: the classical denoiser)
fingerprint  residuals -> the sensor's pattern K
matching     two patterns -> NCC, PCE, probability of a false match
codes        pattern -> keyed code of signs
quality      is a photo fit for any of this?
simulator    virtual cameras with a known K
"""
