print("stepstream")
